//! The reader that the live generations of a process share: one member of one consumer group, on its own thread. It
//! parses each record once and keeps the newest ones in a [`Buffer`], from which each generation reads at its own speed.
//!
//! It must never skip a record for a subscriber, or wait for a slow one. A partition that the group revokes is given
//! back when every subscriber has released it.

#![expect(clippy::disallowed_methods, reason = "it blocks only its own thread and those of projectors")]

mod buffer;
mod state;
mod subscription;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use event_log::{Bookmarks, ClientSettings, EventReader, LogError, Reading};
use tracing::warn;

pub(crate) use self::subscription::Subscription;
use self::{
    buffer::{Buffer, Progress},
    state::State,
};

/// How long to wait for the first record of a poll.
const POLL_TIMEOUT: Duration = Duration::from_millis(100);
/// The maximum number of records that are added to the buffer at once.
const MAX_POLLED: usize = 500;
/// The approximate maximum size of their payloads in bytes.
const MAX_POLLED_BYTES: usize = 1 << 20;
/// How long the reader waits for room in the buffer. Then it goes on polling the group, with its partitions paused.
const ROOM_TIMEOUT: Duration = Duration::from_secs(1);

/// Where the live generations of a process find their reader, which exists while at least one of them reads.
#[derive(Clone, Default)]
pub(crate) struct SharedReaders(Arc<Mutex<Option<Arc<SharedReader>>>>);

/// A reader with subscribers.
pub(crate) struct SharedReader {
    events: EventReader,
    topic: String,
    state: Mutex<State>,
    /// There is something new for the subscribers.
    changed: Condvar,
    /// There is room in the buffer again.
    room: Condvar,
    thread: Mutex<Option<JoinHandle<()>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SharedReaders {
    /// Subscribes a projection. The first one makes the process join the group.
    pub(crate) fn subscribe(
        &self,
        projection: &'static str,
        client: &ClientSettings,
        group: &str,
        topic: &str,
        max_bytes: usize,
    ) -> Result<Subscription, LogError> {
        let mut current = lock(&self.0);
        let usable = current.as_ref().filter(|shared| !shared.lock().has_ended);
        let shared = match usable {
            Some(shared) => Arc::clone(shared),
            None => SharedReader::join(client, group, topic, max_bytes)?,
        };
        let number = shared.lock().subscribe();
        *current = Some(Arc::clone(&shared));
        drop(current);
        shared.run();
        Ok(Subscription {
            shared,
            readers: self.clone(),
            number,
            projection,
            client: client.clone(),
            progress: Progress::default(),
            own: None,
        })
    }

    /// Removes a subscriber. The last one ends the thread and waits for it; then the member leaves the group.
    fn leave(&self, shared: &Arc<SharedReader>, subscriber: u64) {
        let mut current = lock(&self.0);
        let is_last = shared.unsubscribe(subscriber);
        if is_last && current.as_ref().is_some_and(|current| Arc::ptr_eq(current, shared)) {
            *current = None;
        }
        drop(current);
        if is_last && let Some(thread) = lock(&shared.thread).take() {
            // If it panicked, the subscribers have as well.
            let _ = thread.join();
        }
    }
}

impl SharedReader {
    fn join(
        client: &ClientSettings,
        group: &str,
        topic: &str,
        max_bytes: usize,
    ) -> Result<Arc<Self>, LogError> {
        Ok(Arc::new(Self {
            events: EventReader::join(client, group, &[topic])?,
            topic: topic.to_owned(),
            state: Mutex::new(State::new(topic.to_owned(), Buffer::new(max_bytes))),
            changed: Condvar::new(),
            room: Condvar::new(),
            thread: Mutex::default(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Waits until there is something new for the subscribers.
    fn wait<'s>(&self, state: MutexGuard<'s, State>, timeout: Duration) -> MutexGuard<'s, State> {
        self.changed.wait_timeout(state, timeout).unwrap_or_else(PoisonError::into_inner).0
    }

    /// A subscriber has passed a record of the buffer.
    fn passed(&self, state: &State) {
        if state.waits_for_room && state.buffer.has_room() {
            self.room.notify_one();
        }
    }

    /// Starts the thread, unless it runs already.
    fn run(self: &Arc<Self>) {
        let mut thread = lock(&self.thread);
        if thread.is_none() {
            let shared = Arc::clone(self);
            let read = move || {
                let ended = Ended(&shared);
                let failure = shared.read().err();
                shared.lock().failure = failure.map(Arc::new);
                drop(ended);
            };
            let started = thread::Builder::new().name("shared reader".to_owned()).spawn(read);
            *thread = Some(started.expect("a process that runs projections can start another thread"));
        }
    }

    /// Reads until nobody subscribes any more.
    fn read(&self) -> Result<(), LogError> {
        let mut is_paused = false;
        while let Some(has_room) = self.has_room() {
            if has_room == is_paused {
                is_paused = !has_room;
                self.set_paused(is_paused)?;
            }
            let polled = self.poll()?;
            if polled.is_empty() {
                continue;
            }
            let mut state = self.lock();
            for reading in polled {
                self.apply(&mut state, reading)?;
            }
            drop(state);
            self.changed.notify_all();
        }
        Ok(())
    }

    /// Waits for room in the buffer, with a limit. `None` if nobody subscribes any more.
    fn has_room(&self) -> Option<bool> {
        let is_full = |state: &mut State| {
            state.waits_for_room = !state.buffer.has_room() && state.has_subscribers();
            state.waits_for_room
        };
        let waited = self.room.wait_timeout_while(self.lock(), ROOM_TIMEOUT, is_full);
        let state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.has_subscribers().then(|| state.buffer.has_room())
    }

    fn set_paused(&self, is_paused: bool) -> Result<(), LogError> {
        let partitions: Vec<_> = self.lock().buffer.partitions().collect();
        for partition in partitions {
            if is_paused {
                self.events.pause(&self.topic, partition)?;
            } else {
                self.events.resume(&self.topic, partition)?;
            }
        }
        Ok(())
    }

    /// Waits for the first reading, and takes those that have arrived with it.
    fn poll(&self) -> Result<Vec<Reading>, LogError> {
        let (mut polled, mut timeout, mut bytes) = (Vec::new(), POLL_TIMEOUT, 0);
        while polled.len() < MAX_POLLED && bytes < MAX_POLLED_BYTES {
            match self.events.next(timeout)? {
                Reading::Idle => break,
                reading => {
                    bytes += reading.payload_bytes();
                    polled.push(reading);
                }
            }
            timeout = Duration::ZERO;
        }
        Ok(polled)
    }

    fn apply(&self, state: &mut State, reading: Reading) -> Result<(), LogError> {
        match reading {
            Reading::Event(_) | Reading::Invalid { .. } => state.buffer.push(reading),
            Reading::CaughtUp(partition) => state.buffer.caught_up(partition),
            Reading::Assigned(partitions) => {
                // The group waits for this even if there is nothing to start.
                if partitions.is_empty() {
                    self.events.start(&Bookmarks::new())?;
                }
                state.assign(numbers(partitions));
            }
            Reading::Revoked(partitions) => {
                state.revoke(numbers(partitions));
                self.give_back(state)?;
            }
            Reading::OutOfReach(_) => state.outage(reading),
            Reading::Idle => {}
        }
        Ok(())
    }

    /// Starts those of these partitions that are not read yet.
    fn start(&self, state: &mut State, mut bookmarks: Bookmarks) -> Result<(), LogError> {
        bookmarks.retain(|(_, partition), _| state.is_unread(*partition));
        if !bookmarks.is_empty() {
            self.events.start(&bookmarks)?;
            state.begin(bookmarks.iter().map(|((_, partition), offset)| (*partition, *offset)));
        }
        Ok(())
    }

    /// Gives revoked partitions back to the group, unless a subscriber has not released them yet.
    fn give_back(&self, state: &mut State) -> Result<(), LogError> {
        if state.end_revocation() { self.events.release() } else { Ok(()) }
    }

    /// Removes a subscriber. Returns whether it was the last one.
    fn unsubscribe(&self, subscriber: u64) -> bool {
        let mut state = self.lock();
        state.unsubscribe(subscriber);
        if let Err(error) = self.give_back(&mut state) {
            warn!(%error, "revoked partitions could not be given back");
        }
        self.room.notify_one();
        !state.has_subscribers()
    }
}

fn numbers(partitions: Vec<(String, i32)>) -> BTreeSet<i32> {
    partitions.into_iter().map(|(_, partition)| partition).collect()
}

/// Wakes all subscribers when the thread ends, even if it panics.
struct Ended<'s>(&'s SharedReader);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.lock().has_ended = true;
        self.0.changed.notify_all();
    }
}
