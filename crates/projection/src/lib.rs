//! The read side: what the log says, as rows in Postgres, and queries that know how fresh their rows are.
//!
//! A projector ([`Projectors`]) folds events into rows. Where it stands is a row too, written in the same transaction and
//! compared there, so that every event is applied exactly once whatever crashes, repeats or wakes up late. What it
//! must never do: skip an event, or write after somebody newer has taken over.
//!
//! A [`CheckpointWatch`] is the other end: it lets a query wait until the read model has reached a position, woken by the
//! checkpoint's own move.

mod batch;
mod catch_up_buffer;
mod checkpoint;
mod checkpoint_waiters;
mod checkpoint_watch;
mod database;
mod error;
mod follower;
mod generation;
mod generation_handle;
pub mod generations;
mod history;
mod instruction;
#[cfg(feature = "kit")]
pub mod kit;
mod lag;
mod listener;
mod membership;
mod pace;
mod parking;
mod partition_offsets;
mod projection;
mod projector;
mod projectors;
mod retry;
mod session;
mod settings;
mod source;
mod supervisor;
mod target;
#[cfg(test)]
mod tests;
mod write;

pub use checkpoint_watch::{CheckpointWatch, Query, ReadResult};
pub use error::ProjectionError;
pub use follower::follow;
pub use generation::{Generation, GenerationState};
pub use history::{History, RecordedEvent};
pub use parking::dead_letters;
pub use partition_offsets::{InvalidToken, PartitionOffsets};
pub use projection::Projection;
pub use projectors::Projectors;
pub use settings::ProjectorSettings;
pub use source::Source;

/// What every database of read models needs besides its own tables: checkpoints, generations, parked events, the journal,
/// roles. Their numbers are below 1000; a context's own migrations begin at 1001.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();
