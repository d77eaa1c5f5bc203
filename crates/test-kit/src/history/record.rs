use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// Everything that happened in a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// Every request of every client.
    pub attempts: Vec<Attempt>,
    /// Every committed event, partition by partition, in order.
    pub log: Vec<LoggedEvent>,
}

/// One request of a client: a command that is repeated until it is settled makes several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Who asked.
    pub client: usize,
    /// Which instance was asked.
    pub instance: usize,
    /// Which aggregate the command is for.
    pub aggregate: String,
    /// The command, which is the same for every request with the same idempotency key.
    pub command_id: Uuid,
    /// What is wanted, as the [`Rules`](super::Rules) understand it.
    pub request: Value,
    /// The version that the aggregate must have, if the client says one.
    pub expected: Option<u64>,
    /// When it was sent, in microseconds since the run began.
    pub asked: u64,
    /// When its answer was there, or its client gave up, likewise.
    pub answered: u64,
    /// What its client was told.
    pub answer: Answer,
}

impl Display for Attempt {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { client, instance, command_id, expected, asked, answered, answer, .. } = self;
        write!(f, "client {client} at instance {instance}, {asked}..{answered} µs: command {command_id}")?;
        if let Some(expected) = expected {
            write!(f, " at version {expected}")?;
        }
        write!(f, " was answered by {answer:?}")
    }
}

/// What a client was told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// It is done.
    Accepted {
        /// The aggregate's version after it.
        version: u64,
        /// The ids of its events, if it took any.
        events: Vec<Uuid>,
        /// Partition and offset of its last event.
        position: Option<(i32, i64)>,
        /// Whether it is said to have been done before, by an earlier request with the same key.
        replayed: bool,
    },
    /// A rule says no.
    Refused {
        /// The refusal's code.
        code: String,
    },
    /// The aggregate has another version than the one expected.
    OtherVersion {
        /// The version that it has.
        current: u64,
    },
    /// The same key was used for another request.
    KeyReused,
    /// It was not tried, and will not be: too much to do, nobody there, too late.
    NotNow {
        /// The problem's code.
        code: String,
    },
    /// The request never left its client.
    NotSent,
    /// Nobody knows: the service says so, or it said nothing.
    Unknown,
    /// An answer that nobody should get.
    Wrong(String),
}

impl Answer {
    /// Whether the client need not ask again.
    pub const fn is_final(&self) -> bool {
        !matches!(self, Self::NotNow { .. } | Self::NotSent | Self::Unknown)
    }

    /// Whether events may be in the log because of this very request.
    pub(super) const fn may_have_written(&self) -> bool {
        matches!(self, Self::Accepted { replayed: false, .. } | Self::Unknown | Self::Wrong(_))
    }
}

/// A committed event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoggedEvent {
    /// The partition it stands in.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// The aggregate it is of.
    pub aggregate: String,
    /// Its own id.
    pub event_id: Uuid,
    /// The command that it follows from.
    pub command_id: Uuid,
    /// The aggregate's version after it.
    pub version: u64,
    /// The ownership that wrote it.
    pub epoch: u64,
    /// Its number in its partition.
    pub sequence: u64,
    /// What it says.
    pub fact: Fact,
}

/// What an event says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// The name of the fact.
    pub name: String,
    /// Its payload.
    pub content: Value,
}
