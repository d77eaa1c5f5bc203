use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// The requests and events of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// Every request of every client.
    pub attempts: Vec<Attempt>,
    /// Every committed event, partition by partition, in order.
    pub log: Vec<LoggedEvent>,
}

/// One request of a client. A command that is retried until its outcome is known has several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// The client.
    pub client: usize,
    /// The instance that the request was sent to.
    pub instance: usize,
    /// The aggregate that the command is for.
    pub aggregate: String,
    /// The command: the same for every request with the same idempotency key.
    pub command_id: Uuid,
    /// The request, as the [`Rules`](super::Rules) understand it.
    pub request: Value,
    /// The version that the client expects the aggregate to have, if any.
    pub expected: Option<u64>,
    /// When it was sent, in microseconds since the run began.
    pub sent: u64,
    /// When the answer arrived or the client gave up, in microseconds since the run began.
    pub answered: u64,
    /// The answer.
    pub answer: Answer,
}

impl Display for Attempt {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { client, instance, command_id, expected, sent, answered, answer, .. } = self;
        write!(f, "client {client} at instance {instance}, {sent}..{answered} µs: command {command_id}")?;
        if let Some(expected) = expected {
            write!(f, " at version {expected}")?;
        }
        write!(f, " was answered by {answer:?}")
    }
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// The command was accepted.
    Accepted {
        /// The aggregate's version after it.
        version: u64,
        /// The ids of its events, if there were any.
        events: Vec<Uuid>,
        /// Partition and offset of its last event.
        position: Option<(i32, i64)>,
        /// Whether the answer says that an earlier request with the same key was accepted.
        replayed: bool,
    },
    /// A rule refused the command.
    Refused {
        /// The refusal's code.
        code: String,
    },
    /// The aggregate does not have the expected version.
    OtherVersion {
        /// The version that it has.
        current: u64,
    },
    /// The same key was used for another request.
    KeyReused,
    /// The command was not executed and will not be: overload, no owner, or a timeout.
    NotExecuted {
        /// The problem's code.
        code: String,
    },
    /// The request never left its client.
    NotSent,
    /// The outcome is unknown: the service said so, or did not answer.
    Unknown,
    /// An invalid answer.
    Invalid(String),
}

impl Answer {
    /// Whether the client has no reason to retry.
    pub const fn is_final(&self) -> bool {
        !matches!(self, Self::NotExecuted { .. } | Self::NotSent | Self::Unknown)
    }

    /// Whether this request itself may have written events to the log.
    pub(super) const fn may_have_written(&self) -> bool {
        matches!(self, Self::Accepted { replayed: false, .. } | Self::Unknown | Self::Invalid(_))
    }
}

/// A committed event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoggedEvent {
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
    /// The aggregate.
    pub aggregate: String,
    /// The event's id.
    pub event_id: Uuid,
    /// The command that led to it.
    pub command_id: Uuid,
    /// The aggregate's version after it.
    pub version: u64,
    /// The epoch of the owner that wrote it.
    pub epoch: u64,
    /// Its sequence number in the partition.
    pub sequence: u64,
    /// Its content.
    pub fact: Fact,
}

/// The content of an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// The name of the event type.
    pub name: String,
    /// Its payload.
    pub content: Value,
}
