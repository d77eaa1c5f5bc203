use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use event_log::{Bookmarks, LogError, Reading};

use super::buffer::{Buffer, Progress};
use crate::ProjectionError;

/// The state of a shared reader.
pub(super) struct State {
    topic: String,
    pub(super) buffer: Buffer,
    /// The partitions that the group has assigned, each with the number of its assignment.
    assigned: BTreeMap<i32, u64>,
    /// How often the group has assigned partitions.
    assignments: u64,
    /// Whether revoked partitions have not been given back yet.
    gives_back: bool,
    subscribers: BTreeMap<u64, Subscriber>,
    /// How many subscribers there have ever been.
    subscriptions: u64,
    /// The offsets that each subscriber has applied.
    pub(super) applied: BTreeMap<u64, Bookmarks>,
    /// How often Kafka could not be reached, and the last report.
    outages: (u64, Reading),
    /// How often any of this has changed.
    changes: u64,
    pub(super) waits_for_room: bool,
    pub(super) has_ended: bool,
    pub(super) failure: Option<Arc<LogError>>,
}

/// What a subscriber knows.
#[derive(Default)]
struct Subscriber {
    /// The partitions that it has not released, each with the number of its assignment.
    held: BTreeMap<i32, u64>,
    /// The last assignment that it was told of.
    assignments: u64,
    /// The last outage that it was told of.
    outages: u64,
    /// The last change; there is nothing to tell it before the next one.
    changes: u64,
}

impl State {
    pub(super) const fn new(topic: String, buffer: Buffer) -> Self {
        Self {
            topic,
            buffer,
            assigned: BTreeMap::new(),
            assignments: 0,
            gives_back: false,
            subscribers: BTreeMap::new(),
            subscriptions: 0,
            applied: BTreeMap::new(),
            outages: (0, Reading::Idle),
            changes: 0,
            waits_for_room: false,
            has_ended: false,
            failure: None,
        }
    }

    /// Adds a subscriber, and returns its number. It has no partitions yet, so it is not behind.
    pub(super) fn subscribe(&mut self) -> u64 {
        self.subscriptions += 1;
        self.buffer.attach(self.subscriptions, &Progress::default());
        let subscriber = Subscriber { outages: self.outages.0, ..Subscriber::default() };
        self.subscribers.insert(self.subscriptions, subscriber);
        self.subscriptions
    }

    pub(super) fn unsubscribe(&mut self, number: u64) {
        self.subscribers.remove(&number);
        self.applied.remove(&number);
        self.buffer.detach(number);
    }

    pub(super) fn has_subscribers(&self) -> bool {
        !self.subscribers.is_empty()
    }

    /// The group has assigned partitions. The list may be empty.
    pub(super) fn assign(&mut self, partitions: BTreeSet<i32>) {
        self.changes += 1;
        self.assignments += 1;
        self.assigned.extend(partitions.into_iter().map(|partition| (partition, self.assignments)));
    }

    /// The group has revoked partitions.
    pub(super) fn revoke(&mut self, partitions: BTreeSet<i32>) {
        self.changes += 1;
        for partition in partitions {
            self.assigned.remove(&partition);
            self.buffer.end(partition);
        }
        self.gives_back = true;
    }

    pub(super) fn outage(&mut self, report: Reading) {
        self.changes += 1;
        self.outages = (self.outages.0 + 1, report);
    }

    /// Whether a partition is assigned but not read yet.
    pub(super) fn is_unread(&self, partition: i32) -> bool {
        self.assigned.contains_key(&partition) && !self.buffer.has(partition)
    }

    /// Assigned partitions are read from these offsets on.
    pub(super) fn begin(&mut self, offsets: impl Iterator<Item = (i32, i64)>) {
        for (partition, offset) in offsets {
            if let Some(assignment) = self.assigned.get(&partition) {
                self.buffer.begin(partition, *assignment, offset);
            }
        }
    }

    /// What has changed for a subscriber. A revocation is repeated until the subscriber has released the partitions.
    pub(super) fn next_change(&mut self, number: u64) -> Result<Option<Reading>, ProjectionError> {
        if self.has_ended {
            let failure = self.failure.clone().expect("a reader with subscribers ends only after an error");
            return Err(ProjectionError::SharedLog(failure));
        }
        if self.subscribers.get(&number).is_none_or(|subscriber| subscriber.changes == self.changes) {
            return Ok(None);
        }
        let revoked = self.revoked(number);
        let Some(subscriber) = self.subscribers.get_mut(&number) else { return Ok(None) };
        if !revoked.is_empty() {
            return Ok(Some(Reading::Revoked(self.named(revoked))));
        }
        if subscriber.assignments < self.assignments {
            subscriber.assignments = self.assignments;
            let new = self.assigned.iter().filter(|(partition, _)| !subscriber.held.contains_key(partition));
            let new: BTreeMap<_, _> = new.map(|(partition, assignment)| (*partition, *assignment)).collect();
            subscriber.held.extend(&new);
            return Ok(Some(Reading::Assigned(self.named(new.into_keys()))));
        }
        if subscriber.outages < self.outages.0 {
            subscriber.outages = self.outages.0;
            return Ok(Some(self.outages.1.clone()));
        }
        subscriber.changes = self.changes;
        Ok(None)
    }

    fn named(&self, partitions: impl IntoIterator<Item = i32>) -> Vec<(String, i32)> {
        partitions.into_iter().map(|partition| (self.topic.clone(), partition)).collect()
    }

    /// The partitions that a subscriber holds, but that are no longer assigned, or were assigned anew.
    fn revoked(&self, number: u64) -> BTreeSet<i32> {
        let held = self.subscribers.get(&number).into_iter().flat_map(|subscriber| &subscriber.held);
        let revoked = held.filter(|(partition, assignment)| self.assigned.get(partition) != Some(assignment));
        revoked.map(|(partition, _)| *partition).collect()
    }

    /// Lets a subscriber release what was revoked, and returns it.
    pub(super) fn release(&mut self, number: u64) -> BTreeSet<i32> {
        let revoked = self.revoked(number);
        if let Some(subscriber) = self.subscribers.get_mut(&number) {
            subscriber.held.retain(|partition, _| !revoked.contains(partition));
        }
        revoked
    }

    /// Ends a revocation if no subscriber holds revoked partitions any more. Returns whether they are to be given back
    /// now.
    pub(super) fn end_revocation(&mut self) -> bool {
        let has_released =
            self.gives_back && self.subscribers.keys().all(|number| self.revoked(*number).is_empty());
        if has_released {
            self.gives_back = false;
        }
        has_released
    }
}
