//! Commands that come through Kafka.

use aggregate::Aggregate;
use event_log::{CodecError, Position};

use crate::CommandRequest;

/// A record of the commands topic, on its way to the thread that decides it.
#[derive(Debug, Clone)]
pub struct Delivery<A: Aggregate> {
    /// The ownership that it was read for. A record that was read for another ownership is dropped.
    pub epoch: u64,
    /// Its position in the commands topic.
    pub position: Position,
    /// The key of its outcome: the command's id, or the position if there is none.
    pub key: String,
    /// The command, or why the record is not one. The deadline is ignored, because no caller waits.
    pub command: Result<CommandRequest<A::Command>, Rejection>,
}

/// Why a record was rejected before it was decided.
#[derive(Debug, Clone)]
pub struct Rejection {
    /// A stable code in kebab case.
    pub code: String,
    /// A sentence that is safe to show to clients.
    pub detail: String,
    /// Details: a map, or null.
    pub facts: serde_json::Value,
    /// Whether the record is a dead letter, which an operator should look at.
    pub dead_letter: bool,
}

/// A record of the commands topic could not be decoded.
#[derive(Debug)]
pub enum Undecoded {
    /// Something that is needed to decode it is unavailable: try again.
    NotNow(CodecError),
    /// It is not a valid command.
    Rejected(Rejection),
}

impl From<Rejection> for Undecoded {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl<A: Aggregate> Delivery<A> {
    /// The offset after it.
    pub(crate) const fn next(&self) -> i64 {
        self.position.offset + 1
    }
}
