use std::time::Instant;

use aggregate::{AggregateId, Expected, Metadata, Version};
use event_log::{CodecError, Position};
use uuid::Uuid;

/// A command on its way to the thread that decides it.
#[derive(Debug, Clone)]
pub struct CommandRequest<C> {
    /// Which aggregate it is for.
    pub aggregate_id: AggregateId,
    /// What is asked for.
    pub command: C,
    /// Which version the caller knows.
    pub expected: Expected,
    /// A fingerprint of the whole request: a repeated command has the same, a reused id has another.
    pub request_hash: u64,
    /// Where the command comes from.
    pub metadata: Metadata,
    /// When the caller stops to wait.
    pub deadline: Instant,
}

/// A command that is done: its events are in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The aggregate's version after it.
    pub version: Version,
    /// What has happened; empty if the command was satisfied already.
    pub events: Vec<AcceptedEvent>,
    /// Where the last of its events stands; without any, where the aggregate's last event stands, if it has one.
    pub position: Option<Position>,
    /// Whether this is the answer to an earlier request with the same command id.
    pub replayed: bool,
}

/// One event of an accepted command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedEvent {
    /// The name of the fact: `OrderPlaced`.
    pub event_type: &'static str,
    /// The event's own id.
    pub id: Uuid,
}

/// A command that is not known to be done. Each variant says what is true of the log.
#[derive(Debug, thiserror::Error)]
pub enum CommandError<R> {
    /// A rule said no. Nothing was written.
    #[error("refused: {0}")]
    Refused(R),
    /// The aggregate has another version than expected. Nothing was written.
    #[error("the aggregate is at version {current}")]
    VersionMismatch {
        /// The version it has.
        current: Version,
    },
    /// The command id was used for another request before. Nothing was written.
    #[error("the command id belongs to another request")]
    IdReused,
    /// The queue is full. Nothing was written.
    #[error("too many commands are waiting")]
    Overloaded,
    /// The partition is being claimed here, or what is needed to decide is not at hand. Nothing was written.
    #[error("the partition is not ready")]
    NotReady,
    /// The partition is not owned here. Nothing was written, and nothing will be: another instance may be asked with
    /// the same command id.
    #[error("another instance owns the partition")]
    Elsewhere,
    /// The deadline passed before the command's turn came. Nothing was written, and nothing will be.
    #[error("the command's turn did not come in time")]
    Expired,
    /// The command may be in the log or not. Repeating it with the same id is safe and tells.
    #[error("the outcome is unknown")]
    OutcomeUnknown,
    /// The rules themselves failed on it, which is a mistake in them. Nothing was written.
    #[error("the rules panicked")]
    Broken,
    /// An event does not fit its schema. Nothing was written.
    #[error("an event cannot be written: {0}")]
    Unwritable(#[from] CodecError),
}

impl<R> CommandError<R> {
    /// A short word for metrics.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::VersionMismatch { .. } => "version_mismatch",
            Self::IdReused => "id_reused",
            Self::Overloaded => "overloaded",
            Self::NotReady => "not_ready",
            Self::Elsewhere => "elsewhere",
            Self::Expired => "expired",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Broken => "broken",
            Self::Unwritable(_) => "unwritable",
        }
    }
}
