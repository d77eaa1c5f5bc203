use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::{oneshot, watch};

use crate::PartitionOffsets;

/// The offsets that a projection has reached according to notifications, and the tasks that wait for later offsets.
///
/// Waiters are sorted by the offset they wait for, so an update wakes those that are due without visiting the others.
#[derive(Debug, Default)]
pub(crate) struct CheckpointWaiters {
    offsets: watch::Sender<PartitionOffsets>,
    waiters: Mutex<Waiters>,
    next_number: AtomicU64,
}

type Waiters = BTreeMap<Key, oneshot::Sender<()>>;

/// The offset that is waited for, and a number that distinguishes waiters for the same offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    partition: i32,
    next_offset: i64,
    number: u64,
}

/// One waiter. Dropping it removes it from the map.
struct Waiter<'w> {
    owner: &'w CheckpointWaiters,
    key: Key,
    woken: oneshot::Receiver<()>,
}

impl CheckpointWaiters {
    /// The offsets, and every update from now on.
    pub(crate) fn watch_offsets(&self) -> watch::Receiver<PartitionOffsets> {
        self.offsets.subscribe()
    }

    /// Replaces the offsets, which may go forwards or back.
    pub(crate) fn set(&self, offsets: &PartitionOffsets) {
        self.offsets.send_replace(offsets.clone());
        for (partition, next_offset) in offsets.iter() {
            self.wake(partition, next_offset);
        }
    }

    /// Sets the offset of one partition.
    pub(crate) fn set_partition(&self, partition: i32, next_offset: i64) {
        self.offsets.send_modify(|offsets| offsets.set(partition, next_offset));
        self.wake(partition, next_offset);
    }

    /// Waits until all of `wanted` has been applied, according to notifications.
    pub(crate) async fn wait_for(&self, wanted: &PartitionOffsets) {
        while let Some((partition, next_offset)) = self.missing(wanted) {
            let waiter = self.add(partition, next_offset);
            // An update between the check and the addition did not wake this waiter.
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
        let key = Key { partition, next_offset, number: self.next_number.fetch_add(1, Ordering::Relaxed) };
        let (wake, woken) = oneshot::channel();
        self.waiters().insert(key, wake);
        Waiter { owner: self, key, woken }
    }

    fn wake(&self, partition: i32, next_offset: i64) {
        let first = Key { partition, next_offset: i64::MIN, number: 0 };
        let last = Key { partition, next_offset, number: u64::MAX };
        for (_, waiter) in self.waiters().extract_if(first..=last, |_, _| true) {
            // An error means that the waiter was just dropped.
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
        // It cannot fail: the sender is dropped only with the map, which is borrowed.
        let _ = (&mut self.woken).await;
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.owner.waiters().remove(&self.key);
    }
}
