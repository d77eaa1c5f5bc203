//! The read side: projectors turn events of the log into rows in Postgres, and queries can wait for their own writes.
//!
//! A projector ([`Projectors`], with the feature `projector`) folds events into rows. Its checkpoint is also a row,
//! which is compared and updated in the same transaction, so every event is applied exactly once despite crashes,
//! repeated reads and paused processes. A projector must never skip an event, or write after another projector has
//! taken over.
//!
//! Queries do not need Kafka. A [`CheckpointWatch`] lets a query wait until the read model has reached a position, and
//! wakes it when the checkpoint moves.

mod checkpoint_waiters;
mod checkpoint_watch;
mod follower;
#[cfg(feature = "kit")]
pub mod kit;
mod listener;
mod live_offsets;
mod partition_offsets;
#[cfg(feature = "projector")]
mod projector;
mod source;
#[cfg(test)]
mod tests;
mod transient;

pub use checkpoint_watch::{CheckpointWatch, Query, ReadResult};
pub use follower::follow;
pub use partition_offsets::{InvalidToken, PartitionOffsets};
#[cfg(feature = "projector")]
pub use projector::{
    CopyRow, CopyRows, Generation, GenerationState, History, Journal, Projection, ProjectionError,
    ProjectorSettings, Projectors, RecordedEvent, Settings, column, generations, parked_events,
};
pub use source::Source;
pub use transient::is_transient;

/// The migrations that every read model database needs besides its own tables: checkpoints, generations, parked events,
/// the journal, roles. Their numbers are below 1000; a context's own migrations begin at 1001.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();
