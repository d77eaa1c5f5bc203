use std::collections::{BTreeMap, VecDeque};

use event_log::{Position, Reading};
use tokio::sync::watch;

use crate::PartitionOffsets;

/// A partition is paused when this many of its records are in the buffer.
const MAX_RECORDS: usize = 1_000;

/// Records that the live generation has not applied yet, in order by partition. The other generations never overtake
/// the live one, so that two generations are equal when they are swapped, and no query sees fewer events than before.
pub(crate) struct CatchUpBuffer {
    live: watch::Receiver<PartitionOffsets>,
    partitions: BTreeMap<i32, Queue>,
}

#[derive(Default)]
struct Queue {
    records: VecDeque<Reading>,
    is_paused: bool,
    /// Whether the last record is at the end of the partition.
    is_at_end: bool,
}

/// A record that leaves the buffer.
pub(crate) struct Released {
    pub(crate) record: Reading,
    /// The record's partition, if this was its last record in the buffer.
    pub(crate) emptied: Option<Emptied>,
}

pub(crate) struct Emptied {
    pub(crate) partition: i32,
    /// Whether the partition was paused and should be resumed.
    pub(crate) is_paused: bool,
    pub(crate) is_at_end: bool,
}

impl CatchUpBuffer {
    pub(crate) const fn new(live: watch::Receiver<PartitionOffsets>) -> Self {
        Self { live, partitions: BTreeMap::new() }
    }

    /// Whether a record has to wait in the buffer.
    pub(crate) fn must_hold(&self, position: &Position) -> bool {
        self.has(position.partition) || self.live.borrow().next_offset(position.partition) <= position.offset
    }

    /// Adds a record. Returns whether the partition should be paused.
    pub(crate) fn hold(&mut self, partition: i32, record: Reading) -> bool {
        let queue = self.partitions.entry(partition).or_default();
        queue.records.push_back(record);
        queue.is_at_end = false;
        let must_pause = queue.records.len() >= MAX_RECORDS && !queue.is_paused;
        queue.is_paused |= must_pause;
        must_pause
    }

    /// Records that the end of a partition is reached. Returns whether the buffer has records of it.
    pub(crate) fn reached_end(&mut self, partition: i32) -> bool {
        self.partitions.get_mut(&partition).map(|queue| queue.is_at_end = true).is_some()
    }

    /// Removes a record that the live generation has applied in the meantime.
    pub(crate) fn release(&mut self) -> Option<Released> {
        let live = self.live.borrow();
        let (partition, queue) = self.partitions.iter_mut().find(|(partition, queue)| {
            let first = queue.records.front().and_then(Reading::position);
            first.is_some_and(|first| first.offset < live.next_offset(**partition))
        })?;
        let (partition, record) = (*partition, queue.records.pop_front()?);
        let Queue { is_paused, is_at_end, .. } = *queue;
        let emptied = queue.records.is_empty().then_some(Emptied { partition, is_paused, is_at_end });
        if emptied.is_some() {
            self.partitions.remove(&partition);
        }
        Some(Released { record, emptied })
    }

    pub(crate) fn has(&self, partition: i32) -> bool {
        self.partitions.contains_key(&partition)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.partitions.is_empty()
    }

    pub(crate) fn remove_partitions(&mut self, partitions: &[i32]) {
        self.partitions.retain(|partition, _| !partitions.contains(partition));
    }

    /// Waits until the live generation moves.
    pub(crate) async fn moved(&mut self) {
        // An error means that the supervisor has ended, and this thread is about to be stopped.
        let _ = self.live.changed().await;
    }
}
