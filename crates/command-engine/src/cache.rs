//! The aggregate caches of a shard's partitions: the states that its committed events lead to. An event that is not committed
//! must never get in.
//!
//! It holds the most recently used aggregates and loads others from their snapshots on demand. Changed aggregates stay
//! in memory until they are saved, which happens in the background.

mod cached_aggregate;
mod entries;
mod evicted_commands;
mod fold;
mod id_filter;
mod look_up;
mod opening;
mod shard_cache;
mod write_behind;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use aggregate::{Aggregate, AggregateId, Version};
use event_log::Continuity;

use crate::snapshots::{PendingIds, SnapshotError, SnapshotStore};
use entries::CacheEntries;
use evicted_commands::UnsavedCommands;
use opening::Opening;
use write_behind::WriteBehind;

pub(crate) use cached_aggregate::StateSize;
pub use cached_aggregate::{CachedAggregate, CompletedCommand};
pub use evicted_commands::{CommandKey, EvictedCommand, EvictedCommands};
pub use fold::CacheError;
pub use id_filter::IdFilter;
pub(crate) use look_up::LookedUp;
pub use shard_cache::ShardCache;

/// The size of a cache, and when it is saved; the same for each partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheSettings {
    /// The maximum number of aggregates of a partition in memory (50,000; about 15 MB with states of 64 bytes).
    pub max_aggregates: usize,
    /// The maximum memory of these aggregates, in bytes (32 MB), as far as it can be estimated: the size of a state is
    /// known when it is saved or loaded. The aggregates of one group may exceed it until the next.
    pub max_bytes: usize,
    /// How many commands each aggregate remembers itself, to recognise repeated ones (64). Earlier ones are evicted, and
    /// looked up in the store. Never make it smaller: the store does not have what was not evicted before.
    pub remembered_commands: usize,
    /// The maximum number of evicted commands of a partition that wait to be saved (50,000; about 10 MB). Aggregates that
    /// would evict more accept no commands until a save succeeds. While the snapshots cannot be opened, earlier ones are
    /// dropped instead: the log has them.
    pub max_evicted_commands: usize,
    /// How many changed aggregates, or evicted commands, trigger a save (1,000).
    pub save_changes: usize,
    /// The shortest time between two saves (1 s), unless memory gets short. Under load, a save then has more than
    /// `save_changes`, and an aggregate that changes again and again is saved once.
    pub save_pause: Duration,
    /// The longest time until a change is saved (5 s).
    pub save_interval: Duration,
    /// How long no snapshots are opened or loaded after a failure (5 s). So commands that need no snapshot do not wait
    /// for others while Postgres is down.
    pub load_pause: Duration,
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self {
            max_aggregates: 50_000,
            max_bytes: 32 << 20,
            remembered_commands: 64,
            max_evicted_commands: 50_000,
            save_changes: 1_000,
            save_pause: Duration::from_secs(1),
            save_interval: Duration::from_secs(5),
            load_pause: Duration::from_secs(5),
        }
    }
}

/// The aggregates of one partition.
pub struct AggregateCache<A: Aggregate> {
    /// The epoch and sequence number of the last event in the cache.
    pub continuity: Continuity,
    /// The first offset that is not in the cache.
    pub next_offset: i64,
    entries: CacheEntries<A::State>,
    /// How many aggregates the partition has.
    aggregates: u64,
    /// The ids that have a snapshot and may not be in memory. That a new id seems to be among them is harmless: it is then
    /// looked up in vain.
    saved_ids: IdFilter,
    /// The others of these ids, until they are read. So long, any id may have a snapshot.
    pending_ids: Option<PendingIds>,
    store: Box<dyn SnapshotStore<A>>,
    /// While the snapshots cannot be opened.
    opening: Option<Opening>,
    settings: CacheSettings,
    write_behind: WriteBehind,
    /// The commands that aggregates have evicted and that are not saved.
    evicted: UnsavedCommands,
    /// The offset up to which evicted commands were saved when the cache was restored.
    evicted_when_restored: i64,
    /// No snapshots are loaded before this.
    load_after: Option<Instant>,
}

impl<A: Aggregate> AggregateCache<A> {
    /// The cache of an empty log.
    pub fn new(store: Box<dyn SnapshotStore<A>>, settings: CacheSettings) -> Self {
        let evicted = UnsavedCommands::new(0);
        Self {
            evicted,
            evicted_when_restored: 0,
            continuity: Continuity::default(),
            next_offset: 0,
            entries: CacheEntries::new(),
            aggregates: 0,
            saved_ids: IdFilter::default(),
            pending_ids: None,
            store,
            opening: None,
            settings,
            write_behind: WriteBehind::new(0),
            load_after: None,
        }
    }

    /// Discards everything and frees the memory. The cache is then that of an empty log.
    pub fn forget(&mut self) {
        (self.next_offset, self.continuity, self.aggregates) = (0, Continuity::default(), 0);
        self.entries = CacheEntries::new();
        (self.saved_ids, self.pending_ids) = (IdFilter::default(), None);
        self.write_behind = WriteBehind::new(0);
        (self.evicted, self.evicted_when_restored) = (UnsavedCommands::new(0), 0);
        (self.load_after, self.opening) = (None, None);
    }

    /// An aggregate that is in memory. If it is neither here nor [cold](Self::is_cold), it does not exist.
    pub fn get(&self, id: &AggregateId) -> Option<&CachedAggregate<A::State>> {
        self.entries.get(id).filter(|cached| cached.version != Version::NONE)
    }

    /// Whether a command on this aggregate cannot be decided now: its snapshot is not in memory, or it is new and there
    /// is no room for it, or there is no room for the command that it would evict.
    pub fn is_cold(&self, id: &AggregateId) -> bool {
        match self.entries.get(id) {
            Some(cached) => self.has_no_room_to_evict() && self.is_to_evict(cached),
            None => self.is_full() || self.may_have_snapshot(id),
        }
    }

    /// Whether the next command of an aggregate evicts another.
    fn is_to_evict(&self, cached: &CachedAggregate<A::State>) -> bool {
        cached.commands.len() >= self.settings.remembered_commands
    }

    /// Whether as many evicted commands wait to be saved as there may be.
    fn has_no_room_to_evict(&self) -> bool {
        self.store.is_persistent()
            && self.is_open()
            && self.evicted.len() >= self.settings.max_evicted_commands
    }

    /// How many aggregates are in memory.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// An estimate of the memory that they take, in bytes.
    pub fn bytes(&self) -> usize {
        self.entries.bytes()
    }

    /// Whether no aggregate is in memory.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many aggregates the partition has, in memory or not.
    pub fn aggregates(&self) -> u64 {
        self.aggregates
    }

    /// Whether there is no room and nothing can be evicted: everything in memory waits to be saved.
    pub fn is_full(&self) -> bool {
        let CacheSettings { max_aggregates, max_bytes, .. } = self.settings;
        let is_full = self.entries.unsaved() >= max_aggregates || self.entries.unsaved_bytes() >= max_bytes;
        self.store.is_persistent() && is_full
    }

    /// Loads these aggregates into memory, as far as they exist, with one query at most. They stay there at least until
    /// the next call. After an error those that could not be loaded are [cold](Self::is_cold).
    ///
    /// [`SnapshotError::Lost`] means that the cache must be [restored](Self::restore).
    pub fn load(&mut self, ids: &[AggregateId]) -> Result<(), SnapshotError> {
        self.collect()?;
        self.collect_ids();
        // A group may have many commands for one aggregate, which is loaded once.
        let ids: BTreeSet<&AggregateId> = ids.iter().collect();
        let used = ids.iter().filter(|id| self.entries.touch(id)).count();
        let missing = ids.iter().filter(|id| !self.entries.has(id));
        let cold: Vec<_> =
            missing.clone().filter(|id| self.may_have_snapshot(id)).map(|id| (*id).clone()).collect();
        self.make_room(missing.count(), used);
        if !cold.is_empty() {
            self.load_cold(&cold)?;
        }
        if ids.iter().any(|id| self.is_cold(id)) { Err(SnapshotError::Full) } else { Ok(()) }
    }

    fn load_cold(&mut self, cold: &[AggregateId]) -> Result<(), SnapshotError> {
        if self.load_after.is_some_and(|again| Instant::now() < again) {
            return Err(SnapshotError::Pausing);
        }
        let loaded = self.store.load(cold, self.write_behind.saved);
        self.load_after = loaded.is_err().then(|| Instant::now() + self.settings.load_pause);
        for (id, cached) in loaded? {
            // It was saved together with all commands that were evicted before. If it is newer than what is read of the
            // log, reading on will not evict them again.
            self.evicted.saved_up_to(cached.offset + 1);
            self.entries.add(id, cached);
        }
        // An id without a snapshot is new.
        for id in cold {
            if !self.entries.has(id) {
                self.entries.add(id.clone(), CachedAggregate::default());
            }
        }
        Ok(())
    }

    /// Evicts aggregates until there is room for `more`, except the `used` most recently used ones.
    fn make_room(&mut self, more: usize, used: usize) {
        let CacheSettings { max_aggregates, max_bytes, .. } = self.settings;
        while self.entries.len() + more > max_aggregates || self.entries.bytes() > max_bytes {
            let Some(id) = self.entries.evict(used) else { break };
            self.saved_ids.insert(id.as_str());
        }
    }

    fn may_have_snapshot(&self, id: &AggregateId) -> bool {
        !self.knows_all_ids() || self.saved_ids.may_contain(id.as_str())
    }

    /// Whether it is known which aggregates have a snapshot. Otherwise, every id that is not in memory is looked up.
    pub fn knows_all_ids(&self) -> bool {
        self.pending_ids.is_none()
    }
}
