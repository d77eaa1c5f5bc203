use std::{
    collections::BTreeMap,
    fmt::{self, Display, Formatter},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Projected;

/// What a consistency token says: by partition the offset that has been seen.
pub type Offsets = BTreeMap<i32, i64>;

/// By aggregate, what the rows say of it.
pub type Model = BTreeMap<String, Value>;

/// Everything that happened to a read model in a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReadHistory {
    /// Every write that was acknowledged.
    pub writes: Vec<Write>,
    /// Every query of every session, each session's in its order.
    pub reads: Vec<Read>,
    /// What the log makes of each aggregate, event by event, without what must be parked.
    pub steps: Vec<Step>,
    /// What must be parked, in the order of the log.
    pub unfit: Vec<LoggedRecord>,
    /// What is parked in the end, each aggregate's in the order in which it would be applied.
    pub parked: Vec<ParkedRecord>,
    /// The models there are in the end, by a name that says how each came about.
    pub models: BTreeMap<String, Model>,
    /// The other projections of the same log, by name.
    pub projections: BTreeMap<String, Projected>,
}

/// An acknowledged write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Write {
    /// Who wrote.
    pub session: usize,
    /// What.
    pub aggregate: String,
    /// Which version it then had.
    pub version: u64,
    /// When that was told, in microseconds since the run began.
    pub answered: u64,
}

/// A query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Read {
    /// Who asked. A session asks one thing at a time.
    pub session: usize,
    /// Which instance.
    pub instance: usize,
    /// For what.
    pub aggregate: String,
    /// The token that was sent.
    pub wanted: Offsets,
    /// Whether an old answer is better than none.
    pub lenient: bool,
    /// When it was sent, in microseconds since the run began.
    pub asked: u64,
    /// When its answer was there, likewise.
    pub answered: u64,
    /// What was told.
    pub answer: ReadAnswer,
}

/// What a session was told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ReadAnswer {
    /// This is how it is.
    Shown(Shown),
    /// What the token says has not come yet.
    NotYetVisible,
    /// Not answered, come again.
    NotNow {
        /// The problem's code.
        code: String,
    },
    /// Nothing was heard.
    Nothing,
    /// An answer that nobody should get.
    Wrong(String),
}

/// What a session saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// The aggregate's version; 0 where there is none.
    pub version: u64,
    /// What was said of it; null where there is none.
    pub content: Value,
    /// Where the answer says that it stands.
    pub offsets: Offsets,
    /// What the answer says of parked events.
    pub behind: Behind,
}

/// What an answer says of parked events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Behind {
    /// None of this aggregate's are.
    No,
    /// This aggregate's are, from this offset of its partition on.
    Since(i64),
    /// Some are, of this aggregate or of another one in the same answer.
    Somebody,
}

/// An event that can be applied, and what it makes of its aggregate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The partition it stands in.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Whose it is.
    pub aggregate: String,
    /// Which version it leads to.
    pub version: u64,
    /// What the rows must say after it.
    pub content: Value,
}

/// A record as it stands in the log.
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

/// A record that was set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkedRecord {
    /// The record as it was kept.
    pub record: LoggedRecord,
    /// Why; `None` where it only waits for an earlier one.
    pub reason: Option<String>,
}

impl Display for Read {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { session, instance, aggregate, wanted, asked, answered, answer, .. } = self;
        write!(f, "session {session} at instance {instance}, {asked}..{answered} µs: ")?;
        write!(f, "{aggregate} not before {wanted:?} was answered by {answer:?}")
    }
}
