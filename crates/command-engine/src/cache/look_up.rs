//! Looks up commands that aggregates no longer remember. A command that may have been evicted must not be decided before.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Instant,
};

use aggregate::Aggregate;
use tracing::warn;

use super::{AggregateCache, CachedAggregate, CommandKey, CompletedCommand, ShardCache};
use crate::snapshots::{PendingCommands, SnapshotError};

/// Commands that were looked up, with their results. Those without a result are new.
pub(crate) type LookedUp = HashMap<CommandKey, Option<CompletedCommand>>;

impl<A: Aggregate> AggregateCache<A> {
    /// A command that an aggregate has completed, if it is in memory.
    pub fn command(&self, key: &CommandKey) -> Option<&CompletedCommand> {
        let (id, command_id) = key;
        let remembered = self.get(id).and_then(|cached| cached.command(*command_id));
        remembered.or_else(|| self.evicted.get(key))
    }

    /// Whether only the store knows if an aggregate in memory has completed this command.
    pub fn must_look_up(&self, key: &CommandKey) -> bool {
        let has_some = self.store.is_persistent() && self.evicted.saved() > 0;
        let may_have_it = has_some && self.get(&key.0).is_some_and(CachedAggregate::has_evicted);
        may_have_it && self.command(key).is_none()
    }

    /// Begins to look up these commands.
    fn begin_look_up(&mut self, keys: &[CommandKey]) -> Result<PendingCommands, SnapshotError> {
        if !self.is_open() {
            return Err(SnapshotError::NotOpen);
        }
        if self.load_after.is_some_and(|again| Instant::now() < again) {
            return Err(SnapshotError::Pausing);
        }
        Ok(self.store.find_commands(keys.to_vec(), self.evicted.saved()))
    }

    fn end_look_up(
        &mut self,
        pending: PendingCommands,
    ) -> Result<HashMap<CommandKey, CompletedCommand>, SnapshotError> {
        let found = pending.blocking_recv().unwrap_or(Err(SnapshotError::Stopped));
        self.load_after = found.is_err().then(|| Instant::now() + self.settings.load_pause);
        found
    }

    /// Looks up these commands, and waits for the result.
    ///
    /// [`SnapshotError::Lost`] means that the cache must be [restored](Self::restore).
    pub fn look_up(
        &mut self,
        keys: &[CommandKey],
    ) -> Result<HashMap<CommandKey, CompletedCommand>, SnapshotError> {
        let pending = self.begin_look_up(keys)?;
        self.end_look_up(pending)
    }
}

impl<A: Aggregate> ShardCache<A> {
    /// Looks up those of the commands that [must be](AggregateCache::must_look_up), with one query for each partition, all
    /// at once. Those that cannot be looked up now are left out. [`SnapshotError::Lost`] means that a partition must be
    /// [restored](Self::restore).
    pub(crate) fn look_up(
        &mut self,
        keys: impl Iterator<Item = CommandKey>,
    ) -> Result<LookedUp, SnapshotError> {
        // A group may have the same command several times.
        let mut wanted: BTreeMap<i32, BTreeSet<CommandKey>> = BTreeMap::new();
        for key in keys.filter(|key| self.must_look_up(key)) {
            wanted.entry(self.partition_of(&key.0)).or_default().insert(key);
        }
        let begun = wanted.into_iter().filter_map(|(number, keys)| {
            let keys: Vec<_> = keys.into_iter().collect();
            let pending = self.partitions.get_mut(&number)?.cache.begin_look_up(&keys);
            Some((number, keys, pending))
        });
        let mut looked_up = LookedUp::new();
        for (number, keys, pending) in begun.collect::<Vec<_>>() {
            let Some(partition) = self.partitions.get_mut(&number) else { continue };
            match pending.and_then(|pending| partition.cache.end_look_up(pending)) {
                Ok(mut found) => looked_up.extend(keys.into_iter().map(|key| {
                    let command = found.remove(&key);
                    (key, command)
                })),
                Err(SnapshotError::Lost) => {
                    partition.restored = false;
                    return Err(SnapshotError::Lost);
                }
                Err(error) => warn!(partition = number, %error, "earlier commands cannot be looked up"),
            }
        }
        Ok(looked_up)
    }

    /// Whether only the store knows if an aggregate in memory has completed this command.
    pub(crate) fn must_look_up(&self, key: &CommandKey) -> bool {
        self.partitions
            .get(&self.partition_of(&key.0))
            .is_some_and(|partition| partition.cache.must_look_up(key))
    }

    /// A command that an aggregate has completed, if it is in memory.
    pub(crate) fn command(&self, key: &CommandKey) -> Option<&CompletedCommand> {
        self.partitions.get(&self.partition_of(&key.0))?.cache.command(key)
    }
}
