use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::{oneshot, watch};

use crate::PartitionOffsets;

/// How far a projection is, as far as notifications said, and everybody who waits until it is further.
///
/// Waiters are sorted by what they wait for: a move wakes those it concerns and touches no others, however many there
/// are.
#[derive(Debug, Default)]
pub(crate) struct CheckpointWaiters {
    offsets: watch::Sender<PartitionOffsets>,
    waiters: Mutex<Waiters>,
    numbers: AtomicU64,
}

type Waiters = BTreeMap<Key, oneshot::Sender<()>>;

/// What is waited for, and a number that tells waiters for the same offset apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    partition: i32,
    next_offset: i64,
    number: u64,
}

/// One waiter. Dropping it removes it from the map.
struct Waiter<'w> {
    all: &'w CheckpointWaiters,
    key: Key,
    woken: oneshot::Receiver<()>,
}

impl CheckpointWaiters {
    /// Every move.
    pub(crate) fn moves(&self) -> watch::Receiver<PartitionOffsets> {
        self.offsets.subscribe()
    }

    /// The projection is here now, which may be further than before or less far.
    pub(crate) fn stands_at(&self, offsets: &PartitionOffsets) {
        self.offsets.send_replace(offsets.clone());
        for (partition, next_offset) in offsets.iter() {
            self.wake(partition, next_offset);
        }
    }

    /// One partition has moved.
    pub(crate) fn moved(&self, partition: i32, next_offset: i64) {
        self.offsets.send_modify(|offsets| offsets.set(partition, next_offset));
        self.wake(partition, next_offset);
    }

    /// Waits until notifications say that all of this has been applied.
    pub(crate) async fn until(&self, wanted: &PartitionOffsets) {
        while let Some((partition, next_offset)) = self.missing(wanted) {
            let waiter = self.add(partition, next_offset);
            // A move between the check and the addition has woken nobody.
            if self.offsets.borrow().next_offset(partition) < next_offset {
                waiter.woken().await;
            }
        }
    }

    fn missing(&self, wanted: &PartitionOffsets) -> Option<(i32, i64)> {
        let offsets = self.offsets.borrow();
        wanted.iter().find(|(partition, next_offset)| offsets.next_offset(*partition) < *next_offset)
    }

    fn add(&self, partition: i32, next_offset: i64) -> Waiter<'_> {
        let key = Key { partition, next_offset, number: self.numbers.fetch_add(1, Ordering::Relaxed) };
        let (wake, woken) = oneshot::channel();
        self.waiters().insert(key, wake);
        Waiter { all: self, key, woken }
    }

    fn wake(&self, partition: i32, next_offset: i64) {
        let first = Key { partition, next_offset: i64::MIN, number: 0 };
        let last = Key { partition, next_offset, number: u64::MAX };
        for (_, waiter) in self.waiters().extract_if(first..=last, |_, _| true) {
            // An error means that the waiter has just given up.
            let _ = waiter.send(());
        }
    }

    fn waiters(&self) -> MutexGuard<'_, Waiters> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of waiters.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.waiters().len()
    }
}

impl Waiter<'_> {
    async fn woken(mut self) {
        // The sender is only dropped with the map, which is borrowed.
        let _ = (&mut self.woken).await;
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.all.waiters().remove(&self.key);
    }
}
