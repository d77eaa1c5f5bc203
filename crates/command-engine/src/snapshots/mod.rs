//! Snapshots of aggregates at an offset of the log, so that a new owner reads only the events after it, and the commands
//! that aggregates have evicted, so that repeated ones are recognised.
//!
//! Snapshots are an optimisation: whatever is missing or doubtful is folded again from the log. They must never differ
//! from what the log says. Evicted commands have a checkpoint of their own and outlive snapshots that are discarded.

mod error;
mod none;
mod postgres;

use std::{collections::HashMap, sync::Arc};

use aggregate::{Aggregate, AggregateId};
use event_log::Continuity;
use tokio::sync::oneshot;

use crate::cache::{CachedAggregate, CommandKey, CompletedCommand, EvictedCommands, IdFilter};

pub use error::SnapshotError;
pub use none::NoSnapshots;
pub use postgres::{PostgresSnapshots, SnapshotDatabase, SnapshotSettings};

/// Aggregates by their id.
pub type Aggregates<S> = HashMap<AggregateId, CachedAggregate<S>>;

/// The checkpoint of a partition's snapshots: every aggregate is saved as of this offset or later.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// The first offset that is not in the snapshots.
    pub next_offset: i64,
    /// What the next event has to follow.
    pub continuity: Continuity,
    /// How many aggregates the partition has.
    pub aggregates: u64,
}

/// What is saved of a partition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Opened {
    /// The checkpoint of the snapshots.
    pub checkpoint: Checkpoint,
    /// The checkpoint of the evicted commands: each that was evicted below this offset is saved, or was, for as long as
    /// such commands are kept. It is never below that of the snapshots.
    pub evicted: i64,
}

/// What is saved, atomically.
pub struct Save<S> {
    /// Every aggregate that changed since the offset `from`, as of the checkpoint `to`.
    pub changed: Arc<Aggregates<S>>,
    /// The offset up to which everything is known to be saved.
    pub from: i64,
    /// Every command that was evicted since the offset `evicted_from`.
    pub evicted: Arc<EvictedCommands>,
    /// The offset up to which every evicted command is known to be saved.
    pub evicted_from: i64,
    /// The checkpoint after this save.
    pub to: Checkpoint,
    /// The epoch of the owner that saves.
    pub epoch: u64,
}

/// The result of a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// Everything up to this offset is saved. It may be further than requested if another instance has read further.
    UpTo(i64),
    /// A newer owner has saved up to this offset; nothing was changed.
    Superseded(i64),
}

/// The checkpoints to come.
pub type PendingOpened = oneshot::Receiver<Result<Opened, SnapshotError>>;

/// The result of a save under way.
pub type PendingSave = oneshot::Receiver<Result<Saved, SnapshotError>>;

/// The ids to come.
pub type PendingIds = oneshot::Receiver<IdFilter>;

/// The result of a search for commands.
pub type PendingCommands = oneshot::Receiver<Result<HashMap<CommandKey, CompletedCommand>, SnapshotError>>;

/// The snapshots and the evicted commands of one partition. Calls block, with a timeout, so they belong on the shard's own thread.
pub trait SnapshotStore<A: Aggregate>: Send + 'static {
    /// Whether saved aggregates can be loaded again. If not, the cache keeps everything in memory.
    fn is_persistent(&self) -> bool {
        true
    }

    /// Begins to read the checkpoints: the default checkpoint of snapshots if there are none that this code can use.
    fn open(&mut self) -> PendingOpened;

    /// Begins to insert the ids of all aggregates that have a snapshot, in the background and for as long as it takes.
    ///
    /// `saved` is the offset up to which everything is known to be saved; nothing comes while the snapshots are older.
    fn read_ids(&mut self, ids: IdFilter, saved: i64) -> PendingIds;

    /// Loads the snapshots of these aggregates with one query, leaving out those that have none. They may be newer than
    /// what the caller has read of the log.
    ///
    /// `saved` is the offset up to which everything is known to be saved. [`SnapshotError::Lost`] if the snapshots are
    /// older than that.
    fn load(&mut self, ids: &[AggregateId], saved: i64) -> Result<Aggregates<A::State>, SnapshotError>;

    /// Begins to look for these evicted commands with one query. Those that are not found were never evicted, or so long
    /// ago that they are no longer kept.
    ///
    /// `saved` is the offset up to which every evicted command is known to be saved. [`SnapshotError::Lost`] if they are
    /// not.
    fn find_commands(&mut self, keys: Vec<CommandKey>, saved: i64) -> PendingCommands;

    /// Begins a save in the background.
    /// [`SnapshotError::Lost`] if what should be saved before it is not.
    fn save(&mut self, save: Save<A::State>) -> PendingSave;
}
