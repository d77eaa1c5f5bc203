//! The read side: events of the log become rows in Postgres, and queries that can wait for their own writes.
//!
//! A projector ([`Projectors`], with the feature `projector`) folds events into rows. Its checkpoint is a row too, written
//! in the same transaction and compared there, so that every event is applied exactly once, whatever crashes, repeats or
//! resumes late. It must never skip an event, or write after another projector has taken over.
//!
//! Queries need no Kafka. A [`CheckpointWatch`] lets a query wait until the read model has reached a position; it is woken
//! when the checkpoint moves.

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
    ProjectorSettings, Projectors, RecordedEvent, Settings, column, dead_letters, generations,
};
pub use source::Source;
pub use transient::is_transient;

/// What every database of read models needs besides its own tables: checkpoints, generations, parked events, the journal,
/// roles. Their numbers are below 1000; a context's own migrations begin at 1001.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();
