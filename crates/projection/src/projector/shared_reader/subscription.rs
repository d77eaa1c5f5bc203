#![expect(clippy::disallowed_methods, reason = "it blocks only the thread of its projector")]

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use event_log::{Bookmarks, ClientSettings, EventReader, LogError, Reading};
use metrics::gauge;
use tracing::info;

use super::{
    SharedReader, SharedReaders,
    buffer::{Next, Progress},
};
use crate::ProjectionError;

/// How many offsets before the furthest projection the shared reader starts, so that projections that stand slightly
/// behind it need not read on their own.
const MARGIN: i64 = 500;

/// One projection's view of the shared reader. Its calls block.
///
/// A projection that stands behind what the buffer has reads on its own from its checkpoint, and returns to the buffer
/// when it has caught up. In either case it gets every record from its checkpoint on, once and in order.
pub(crate) struct Subscription {
    pub(super) shared: Arc<SharedReader>,
    pub(super) readers: SharedReaders,
    pub(super) number: u64,
    pub(super) projection: &'static str,
    pub(super) client: ClientSettings,
    pub(super) progress: Progress,
    /// The reader of a projection that is behind.
    pub(super) own: Option<EventReader>,
}

impl Subscription {
    /// Waits up to `timeout` for the next record or change.
    pub(crate) fn next(&mut self, timeout: Duration) -> Result<Reading, ProjectionError> {
        if self.own.is_some() { self.next_of_own(timeout) } else { self.next_of_shared(timeout) }
    }

    fn next_of_shared(&mut self, timeout: Duration) -> Result<Reading, ProjectionError> {
        let deadline = Instant::now() + timeout;
        let mut state = self.shared.lock();
        loop {
            if let Some(change) = state.next_change(self.number)? {
                return Ok(change);
            }
            match state.buffer.next(self.number, &mut self.progress) {
                Next::Reading(reading) => {
                    self.shared.passed(&state);
                    return Ok(reading);
                }
                Next::Behind => break,
                Next::Nothing => {}
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Reading::Idle);
            }
            state = self.shared.wait(state, left);
        }
        drop(state);
        self.read_on_its_own()?;
        Ok(Reading::Idle)
    }

    fn next_of_own(&mut self, timeout: Duration) -> Result<Reading, ProjectionError> {
        if let Some(change) = self.shared.lock().next_change(self.number)? {
            return Ok(change);
        }
        let Some(own) = &self.own else { return Ok(Reading::Idle) };
        let reading = own.next(timeout)?;
        match reading.position() {
            Some(position) if self.progress.advance(position) => Ok(reading),
            // The partition was given back.
            Some(_) => Ok(Reading::Idle),
            None => {
                self.return_to_buffer();
                Ok(reading)
            }
        }
    }

    /// Starts reading the assigned partitions, each at its offset. If the shared reader does not read a partition yet,
    /// it starts slightly before `furthest`.
    pub(crate) fn start(&mut self, bookmarks: &Bookmarks, furthest: &Bookmarks) -> Result<(), LogError> {
        let mut starts = Bookmarks::new();
        for ((topic, partition), next) in bookmarks {
            let available = self.events().available(topic, *partition, *next)?;
            let key = (topic.clone(), *partition);
            let furthest = furthest.get(&key).copied().unwrap_or_default().clamp(*next, available.end);
            starts.insert(key, (furthest - MARGIN).max(available.start));
        }
        self.progress.next.extend(bookmarks.iter().map(|((_, partition), next)| (*partition, *next)));
        let is_attached = {
            let mut state = self.shared.lock();
            self.shared.start(&mut state, starts)?;
            state.buffer.attach(self.number, &self.progress)
        };
        if is_attached {
            self.share();
            return Ok(());
        }
        self.read_on_its_own()
    }

    /// Reads on its own from where the projection stands.
    fn read_on_its_own(&mut self) -> Result<(), LogError> {
        let (projection, topic) = (self.projection, &self.shared.topic);
        info!(
            projection,
            "projection {projection} is behind, and reads {topic} on its own until it has caught up"
        );
        self.shared.lock().buffer.detach(self.number);
        let next = self.progress.next.iter();
        let bookmarks = next.map(|(partition, next)| ((topic.clone(), *partition), *next)).collect();
        self.own = Some(EventReader::assign(&self.client, &bookmarks)?);
        self.reads_alone(1.0);
        Ok(())
    }

    /// Reads from the buffer again, if that has everything the projection has not read yet.
    fn return_to_buffer(&mut self) {
        let mut state = self.shared.lock();
        if state.buffer.is_close(&self.progress) && state.buffer.attach(self.number, &self.progress) {
            drop(state);
            self.share();
            let (projection, topic) = (self.projection, &self.shared.topic);
            info!(
                projection,
                "projection {projection} has caught up, and shares the reader of {topic} again"
            );
        }
    }

    fn share(&mut self) {
        if self.own.take().is_some() {
            self.reads_alone(0.0);
        }
    }

    fn reads_alone(&self, value: f64) {
        gauge!("projection_reads_alone", "projection" => self.projection).set(value);
    }

    /// Gives revoked partitions back, once all projections have.
    pub(crate) fn release(&mut self) -> Result<(), LogError> {
        let mut state = self.shared.lock();
        let revoked = state.release(self.number);
        self.progress.next.retain(|partition, _| !revoked.contains(partition));
        self.shared.give_back(&mut state)
    }

    /// Commits the lowest offsets of all projections to the group, for monitoring tools.
    pub(crate) fn hint(&self, bookmarks: &Bookmarks) -> Result<(), LogError> {
        let mut lowest = BTreeMap::new();
        let mut state = self.shared.lock();
        state.applied.insert(self.number, bookmarks.clone());
        for (partition, next) in state.applied.values().flatten() {
            let lowest = lowest.entry(partition.clone()).or_insert(*next);
            *lowest = (*lowest).min(*next);
        }
        drop(state);
        lowest.retain(|partition, _| bookmarks.contains_key(partition));
        self.events().hint(&lowest)
    }

    /// The member of the consumer group.
    pub(crate) fn events(&self) -> &EventReader {
        &self.shared.events
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.share();
        self.readers.leave(&self.shared, self.number);
    }
}
