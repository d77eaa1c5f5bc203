use std::{
    collections::BTreeMap,
    fmt::{self, Display, Formatter},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Projected;

/// The content of a consistency token: the last offset seen, by partition.
pub type Offsets = BTreeMap<i32, i64>;

/// The content of the rows, by aggregate.
pub type Model = BTreeMap<String, Value>;

/// The writes, reads and rows of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReadHistory {
    /// Every acknowledged write.
    pub writes: Vec<Write>,
    /// Every query of every session, in each session's order.
    pub reads: Vec<Read>,
    /// Each aggregate as folded from the log, event by event, without the events that must be parked.
    pub steps: Vec<Step>,
    /// The records that must be parked, in the order of the log.
    pub unfit: Vec<LoggedRecord>,
    /// The records parked at the end, for each aggregate in the order in which they would be applied.
    pub parked: Vec<ParkedRecord>,
    /// The models at the end of the run, by how each was built.
    pub models: BTreeMap<String, Model>,
    /// The other projections of the same log, by name.
    pub projections: BTreeMap<String, Projected>,
}

/// An acknowledged write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Write {
    /// The session that wrote.
    pub session: usize,
    /// The aggregate.
    pub aggregate: String,
    /// The aggregate's version after the write.
    pub version: u64,
    /// When the answer arrived, in microseconds since the run began.
    pub answered: u64,
}

/// A query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Read {
    /// The session. It sends one query at a time.
    pub session: usize,
    /// The instance that the query was sent to.
    pub instance: usize,
    /// The aggregate queried.
    pub aggregate: String,
    /// The consistency token that was sent with it.
    pub token: Offsets,
    /// Whether the session accepts an old answer rather than none.
    pub lenient: bool,
    /// When it was sent, in microseconds since the run began.
    pub sent: u64,
    /// When the answer arrived, in microseconds since the run began.
    pub answered: u64,
    /// The answer.
    pub answer: ReadAnswer,
}

/// The answer to a query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ReadAnswer {
    /// The content of the read model.
    Shown(Shown),
    /// The read model has not reached the token yet.
    NotYetVisible,
    /// Not answered: retry later.
    Unavailable {
        /// The problem's code.
        code: String,
    },
    /// No response arrived.
    NoResponse,
    /// An invalid answer.
    Invalid(String),
}

/// The content of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// The aggregate's version; 0 if it does not exist.
    pub version: u64,
    /// The aggregate's content; null if it does not exist.
    pub content: Value,
    /// The position that the answer claims.
    pub offsets: Offsets,
    /// What the answer says about parked events.
    pub behind: Behind,
}

/// What an answer says about parked events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Behind {
    /// No event of this aggregate is parked.
    No,
    /// This aggregate's events are parked, from this offset of its partition on.
    Since(i64),
    /// Events are parked of this aggregate or of another one in the same answer.
    Possibly,
}

/// An event that can be applied, and its aggregate afterwards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The event's partition.
    pub partition: i32,
    /// The event's offset.
    pub offset: i64,
    /// The aggregate.
    pub aggregate: String,
    /// The aggregate's version after it.
    pub version: u64,
    /// The content of the rows after it.
    pub content: Value,
}

/// A record of the log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LoggedRecord {
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
    /// The key.
    pub aggregate: String,
    /// The bytes.
    pub payload: Vec<u8>,
}

/// A parked record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkedRecord {
    /// The record as it was stored.
    pub record: LoggedRecord,
    /// Why it was parked; `None` if it only waits for an earlier record.
    pub reason: Option<String>,
}

impl Display for Read {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { session, instance, aggregate, token, sent, answered, answer, .. } = self;
        write!(f, "session {session} at instance {instance}, {sent}..{answered} µs: ")?;
        write!(f, "{aggregate} not before {token:?} was answered by {answer:?}")
    }
}
