use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::{oneshot, watch};

use crate::PartitionOffsets;

/// Where a projection stands, as far as it was heard, and who waits until it stands further.
///
/// Waiters are sorted by what they wait for: a move wakes those whom it concerns and touches no others, however many
/// there are.
#[derive(Debug, Default)]
pub(crate) struct CheckpointWaiters {
    offsets: watch::Sender<PartitionOffsets>,
    waiters: Mutex<Waiters>,
    numbers: AtomicU64,
}

type Waiters = BTreeMap<Place, oneshot::Sender<()>>;

/// What is waited for, and a number to tell apart who waits for the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    partition: i32,
    next_offset: i64,
    number: u64,
}

/// A place in the room. Whoever goes gives it up.
struct Seat<'r> {
    room: &'r CheckpointWaiters,
    place: Place,
    woken: oneshot::Receiver<()>,
}

impl CheckpointWaiters {
    /// Tells of every move, for somebody who wants to see them all.
    pub(crate) fn moves(&self) -> watch::Receiver<PartitionOffsets> {
        self.offsets.subscribe()
    }

    /// The projection stands here now, further than before or less far.
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

    /// Waits until it was heard that all of this has been seen.
    pub(crate) async fn until(&self, wanted: &PartitionOffsets) {
        while let Some((partition, next_offset)) = self.missing(wanted) {
            let seat = self.sit_down(partition, next_offset);
            // A move between the look and the seat has woken nobody.
            if self.offsets.borrow().next_offset(partition) < next_offset {
                seat.woken().await;
            }
        }
    }

    fn missing(&self, wanted: &PartitionOffsets) -> Option<(i32, i64)> {
        let offsets = self.offsets.borrow();
        wanted.iter().find(|(partition, next_offset)| offsets.next_offset(*partition) < *next_offset)
    }

    fn sit_down(&self, partition: i32, next_offset: i64) -> Seat<'_> {
        let place = Place { partition, next_offset, number: self.numbers.fetch_add(1, Ordering::Relaxed) };
        let (wake, woken) = oneshot::channel();
        self.waiters().insert(place, wake);
        Seat { room: self, place, woken }
    }

    fn wake(&self, partition: i32, next_offset: i64) {
        let first = Place { partition, next_offset: i64::MIN, number: 0 };
        let last = Place { partition, next_offset, number: u64::MAX };
        for (_, waiter) in self.waiters().extract_if(first..=last, |_, _| true) {
            // Whoever has just gone is not missed.
            let _ = waiter.send(());
        }
    }

    fn waiters(&self) -> MutexGuard<'_, Waiters> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many wait.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.waiters().len()
    }
}

impl Seat<'_> {
    async fn woken(mut self) {
        // The sender is dropped only with the room, which is borrowed.
        let _ = (&mut self.woken).await;
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.room.waiters().remove(&self.place);
    }
}
