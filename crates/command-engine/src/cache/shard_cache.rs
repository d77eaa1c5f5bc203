//! The caches of a shard: one for each of its partitions, each with its own snapshots.

use std::{collections::BTreeMap, time::Instant};

use aggregate::{Aggregate, AggregateId};
use event_log::{Continuity, Discontinuity, Offsets, Recorded, Shards};
use tracing::{info, warn};

use super::{AggregateCache, CacheError, CachedAggregate};
use crate::{metrics, snapshots::SnapshotError};

/// The aggregates of one shard.
pub struct ShardCache<A: Aggregate> {
    shards: Shards,
    pub(super) partitions: BTreeMap<i32, PartitionCache<A>>,
}

pub(super) struct PartitionCache<A: Aggregate> {
    pub(super) cache: AggregateCache<A>,
    /// Whether the cache has been restored from its snapshots.
    pub(super) restored: bool,
}

impl<A: Aggregate> ShardCache<A> {
    /// The caches of a shard's partitions, which are restored before they are used.
    pub fn new(shards: Shards, caches: impl IntoIterator<Item = (i32, AggregateCache<A>)>) -> Self {
        let unread = |(partition, cache)| (partition, PartitionCache { cache, restored: false });
        Self { shards, partitions: caches.into_iter().map(unread).collect() }
    }

    /// The partition of an aggregate.
    pub(crate) fn partition_of(&self, id: &AggregateId) -> i32 {
        event_log::partition_of(id, self.shards.partitions())
    }

    /// An aggregate that is in memory. If it is neither here nor [cold](Self::is_cold), it does not exist.
    pub(crate) fn get(&self, id: &AggregateId) -> Option<&CachedAggregate<A::State>> {
        self.partitions.get(&self.partition_of(id))?.cache.get(id)
    }

    /// Whether a command on this aggregate cannot be decided now.
    pub(crate) fn is_cold(&self, id: &AggregateId) -> bool {
        self.partitions.get(&self.partition_of(id)).is_none_or(|partition| partition.cache.is_cold(id))
    }

    /// The epoch and sequence number of the last event of a partition in the cache.
    pub(crate) fn continuity(&self, partition: i32) -> Continuity {
        self.partitions.get(&partition).map(|partition| partition.cache.continuity).unwrap_or_default()
    }

    /// The first offset of each partition that is not in the cache.
    pub(crate) fn next_offsets(&self) -> Offsets {
        self.partitions.iter().map(|(number, partition)| (*number, partition.cache.next_offset)).collect()
    }

    /// The number of aggregates of all partitions, in memory or not.
    pub(crate) fn aggregates(&self) -> u64 {
        self.partitions.values().map(|partition| partition.cache.aggregates()).sum()
    }

    /// An estimate of the memory of the aggregates in memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.partitions.values().map(|partition| partition.cache.bytes()).sum()
    }

    /// Restores the partitions that have to be. Those whose snapshots cannot be opened start at the beginning of the log.
    /// Returns whether all snapshots are open.
    pub(crate) fn restore(&mut self) -> bool {
        let unread = self.partitions.iter_mut().filter(|(_, partition)| !partition.restored);
        // All at once, because each may take until its timeout.
        let begun: Vec<_> = unread.map(|(number, one)| (number, one.cache.begin_restore(), one)).collect();
        for (partition, pending, PartitionCache { cache, restored }) in begun {
            let opened = cache.end_restore(pending);
            metrics::snapshots_open(*partition, opened.is_ok());
            if let Err(error) = opened {
                warn!(partition, %error, "the snapshots cannot be opened; replaying the log from its beginning");
            }
            *restored = true;
        }
        self.partitions.values().all(|partition| partition.cache.is_open())
    }

    /// The partition whose evicted commands were saved up to an offset that its log does not have, that offset, and the
    /// end of what was read. They belong to another log. To be asked when everything is read.
    pub(crate) fn beyond_end(&self) -> Option<(i32, i64, i64)> {
        self.partitions.iter().find_map(|(number, PartitionCache { cache, .. })| {
            let saved = cache.evicted_when_restored;
            (saved > cache.next_offset).then_some((*number, saved, cache.next_offset))
        })
    }

    /// Makes the next [`restore`](Self::restore) start this partition from its snapshots again.
    pub(crate) fn restore_again(&mut self, partition: i32) {
        if let Some(partition) = self.partitions.get_mut(&partition) {
            partition.restored = false;
        }
    }

    /// Discards everything and frees the memory.
    pub(crate) fn forget(&mut self) {
        for PartitionCache { cache, restored } in self.partitions.values_mut() {
            cache.forget();
            *restored = false;
        }
    }

    /// Loads these aggregates into memory, as far as they exist and can be loaded; the others stay
    /// [cold](Self::is_cold). [`SnapshotError::Lost`] means that a partition must be [restored](Self::restore).
    pub(crate) fn load<'i>(
        &mut self,
        ids: impl Iterator<Item = &'i AggregateId>,
    ) -> Result<(), SnapshotError> {
        let mut wanted: BTreeMap<i32, Vec<AggregateId>> = BTreeMap::new();
        for id in ids {
            wanted.entry(self.partition_of(id)).or_default().push(id.clone());
        }
        for (number, ids) in wanted {
            let Some(PartitionCache { cache, restored }) = self.partitions.get_mut(&number) else { continue };
            match cache.load(&ids) {
                Err(SnapshotError::Lost) => *restored = false,
                Err(error) => {
                    warn!(partition = number, %error, "aggregates that are not in memory cannot be loaded");
                }
                Ok(()) => {}
            }
        }
        if self.partitions.values().all(|partition| partition.restored) {
            Ok(())
        } else {
            Err(SnapshotError::Lost)
        }
    }

    /// Folds the next event of a partition; its aggregate must be in memory or new.
    pub(crate) fn fold(&mut self, recorded: &Recorded, event: &A::Event) -> Result<(), Discontinuity> {
        self.partition(recorded.position.partition).cache.fold(recorded, event).map(drop)
    }

    /// Folds the next events of one partition. `may_skip` as in [`reopen`](AggregateCache::reopen).
    pub(crate) fn fold_tail(
        &mut self,
        tail: &[(Recorded, A::Event)],
        may_skip: bool,
    ) -> Result<(), CacheError> {
        let Some((first, _)) = tail.first() else { return Ok(()) };
        let number = first.position.partition;
        let partition = self.partition(number);
        partition.reopen(number, may_skip)?;
        partition.cache.fold_tail(tail, &mut |_, _| ())
    }

    /// Saves changed aggregates in the background, where a save is due, and opens snapshots that could not be opened.
    pub(crate) fn write_behind(&mut self, epoch: u64) {
        for (number, partition) in &mut self.partitions {
            let saved = partition.reopen(*number, false).and_then(|()| partition.cache.write_behind(epoch));
            if let Err(error) = saved {
                warn!(partition = number, %error, "the snapshots no longer match the cache");
                partition.restored = false;
            }
        }
    }

    /// When to call [`write_behind`](Self::write_behind) even if nothing happens until then.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.partitions.values().filter_map(|partition| partition.cache.due()).min()
    }

    fn partition(&mut self, number: i32) -> &mut PartitionCache<A> {
        self.partitions.get_mut(&number).expect("a shard's log has only the shard's partitions")
    }
}

impl<A: Aggregate> PartitionCache<A> {
    /// Opens snapshots that could not be opened, as far as that is possible now.
    fn reopen(&mut self, number: i32, may_skip: bool) -> Result<(), SnapshotError> {
        if self.cache.reopen(may_skip)? {
            metrics::snapshots_open(number, true);
            info!(partition = number, "the snapshots are used again");
        }
        Ok(())
    }
}
