//! Snapshots: what aggregates had become by an offset of the log, so that a new owner reads only what came after it.
//!
//! They are a convenience, never the truth: whatever is lost or doubtful here is folded anew from the log. What they
//! must never do is say something else than the log does.

mod error;
mod none;
mod postgres;

use std::{collections::HashMap, sync::Arc};

use aggregate::{Aggregate, AggregateId};
use event_log::Continuity;
use tokio::sync::oneshot;

use crate::cache::CachedAggregate;

pub use error::SnapshotError;
pub use none::NoSnapshots;
pub use postgres::{PostgresSnapshots, SnapshotDatabase, SnapshotSettings};

/// Aggregates by their id.
pub type Aggregates<S> = HashMap<AggregateId, CachedAggregate<S>>;

/// Up to where a partition's snapshots go: every aggregate is saved as it was there, or later.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// The first offset that is not in the snapshots.
    pub next_offset: i64,
    /// What the next event has to follow.
    pub continuity: Continuity,
    /// How many aggregates the partition has.
    pub aggregates: u64,
}

/// What is to be saved, all or none.
pub struct Save<S> {
    /// Every aggregate that has changed since the offset `from`, as it was at the checkpoint `to`.
    pub changed: Arc<Aggregates<S>>,
    /// The offset up to which everything is known to be saved.
    pub from: i64,
    /// The checkpoint that this leads to.
    pub to: Checkpoint,
    /// Which ownership of the partition saves.
    pub epoch: u64,
}

/// What became of a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// Everything up to this offset is saved: the one that was asked for, or a later one if somebody has read further.
    UpTo(i64),
    /// A newer owner has saved up to this offset; nothing was changed.
    Superseded(i64),
}

/// A save on its way.
pub type PendingSave = oneshot::Receiver<Result<Saved, SnapshotError>>;

/// The snapshots of one partition. Calls block for as long as a bounded time-out allows, so they belong on the
/// partition's own thread.
pub trait SnapshotStore<A: Aggregate>: Send + 'static {
    /// Whether what is saved can be loaded again; otherwise the cache keeps everything.
    fn keeps(&self) -> bool {
        true
    }

    /// Where the snapshots stand, and the id of every aggregate that has one. The default checkpoint, and no ids, if
    /// there are none that this code can use.
    fn open(&mut self, cached: &mut dyn FnMut(&str)) -> Result<Checkpoint, SnapshotError>;

    /// The snapshots of these aggregates, by one query; what has none is left out. They may be newer than what the
    /// caller has read of the log.
    ///
    /// `saved` is the offset up to which everything is known to be saved. [`SnapshotError::Lost`] if it is not there
    /// any more: what would be loaded is older than what was saved.
    fn load(&mut self, ids: &[AggregateId], saved: i64) -> Result<Aggregates<A::State>, SnapshotError>;

    /// Begins to save in the background.
    fn save(&mut self, save: Save<A::State>) -> PendingSave;
}
