use std::time::Instant;

use aggregate::{AggregateId, Expected, Metadata, Version};
use event_log::{CodecError, Position};
use uuid::Uuid;

/// A command on its way to the thread that decides it.
#[derive(Debug, Clone)]
pub struct CommandRequest<C> {
    /// The aggregate that it is for.
    pub aggregate_id: AggregateId,
    /// The command itself.
    pub command: C,
    /// The version that the caller expects.
    pub expected: Expected,
    /// A hash of the whole request: the same command id with another hash is a reused id, not a repeated command.
    pub request_hash: u64,
    /// Where the command comes from, and its id.
    pub metadata: Metadata,
    /// Whether it may repeat a command that was sent long ago: it has an idempotency key, or came through Kafka. Otherwise
    /// only the commands that its aggregate still remembers are compared with it.
    pub has_key: bool,
    /// When the caller stops waiting.
    pub deadline: Instant,
}

/// An accepted command: its events are in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The aggregate's version after it.
    pub version: Version,
    /// Its events; empty if it changed nothing.
    pub events: Vec<AcceptedEvent>,
    /// The position of its last event. Without events, that of the aggregate's last event, if it has one.
    pub position: Option<Position>,
    /// Whether this repeats the answer to an earlier request with the same command id.
    pub replayed: bool,
}

/// One event of an accepted command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedEvent {
    /// The name of the event: `OrderPlaced`.
    pub event_type: &'static str,
    /// The event's own id.
    pub id: Uuid,
}

/// A command that is not known to be accepted. Each variant states what is true of the log.
#[derive(Debug, thiserror::Error)]
pub enum CommandError<R> {
    /// `decide` refused it. Nothing was written.
    #[error("refused: {0}")]
    Refused(R),
    /// The aggregate is not at the expected version. Nothing was written.
    #[error("the aggregate is at version {current}")]
    VersionMismatch {
        /// The version of the aggregate.
        current: Version,
    },
    /// The command id was used for another request before. Nothing was written.
    #[error("the command id belongs to another request")]
    IdReused,
    /// The queue is full, or the wait would be too long. Nothing was written.
    #[error("too many commands are waiting")]
    Overloaded,
    /// The shard is being claimed here, or the aggregate or its earlier commands cannot be loaded, or there is no room for
    /// them. Nothing was written.
    #[error("the shard is not ready")]
    NotReady,
    /// This instance does not own the shard. Nothing was written and nothing will be, so another instance may be
    /// asked with the same command id.
    #[error("another instance owns the shard")]
    Elsewhere,
    /// The deadline passed before the command was decided. Nothing was written and nothing will be.
    #[error("the command's turn did not come in time")]
    Expired,
    /// The command may or may not be in the log. It is safe to repeat it with the same id, which returns its outcome.
    #[error("the outcome is unknown")]
    OutcomeUnknown,
    /// `decide` or `evolve` panicked, which is a bug in the aggregate. Nothing was written.
    #[error("the aggregate panicked")]
    Broken,
    /// An event is larger than Kafka takes. Nothing was written.
    #[error("an event of the command would be larger than a record of the log may be")]
    EventTooLarge,
    /// An event does not match its schema. Nothing was written.
    #[error("an event cannot be written: {0}")]
    Unwritable(#[from] CodecError),
}

impl<R> CommandError<R> {
    /// The label for metrics.
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
            Self::EventTooLarge => "event_too_large",
            Self::Unwritable(_) => "unwritable",
        }
    }
}
