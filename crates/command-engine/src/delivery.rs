//! Commands that come through Kafka.

use aggregate::Aggregate;
use event_log::{CodecError, Position};

use crate::CommandRequest;

/// A record of the commands topic, on its way to the thread that decides it.
#[derive(Debug, Clone)]
pub struct Delivery<A: Aggregate> {
    /// For which ownership of the partition it was read; one that was read for another is dropped.
    pub epoch: u64,
    /// Where it stands in the commands topic.
    pub position: Position,
    /// The key of its outcome: the command's id, or the position where there is none.
    pub key: String,
    /// What is asked for, or why it cannot be. Nobody waits for the answer, so the deadline means nothing.
    pub command: Result<CommandRequest<A::Command>, Rejection>,
}

/// Why a command was refused before it came to the rules.
#[derive(Debug, Clone)]
pub struct Rejection {
    /// A stable code in kebab case.
    pub code: String,
    /// A sentence that is safe to show.
    pub detail: String,
    /// What led to it: a map, or null.
    pub facts: serde_json::Value,
    /// Whether somebody should look at the record.
    pub dead_letter: bool,
}

/// A record of the commands topic could not be read as a command.
#[derive(Debug)]
pub enum Undecoded {
    /// What it takes to read it does not answer at the moment: to be tried again.
    NotNow(CodecError),
    /// It is none, and never will be.
    Rejected(Rejection),
}

impl From<Rejection> for Undecoded {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl<A: Aggregate> Delivery<A> {
    /// Where to go on after it.
    pub(crate) const fn next(&self) -> i64 {
        self.position.offset + 1
    }
}
