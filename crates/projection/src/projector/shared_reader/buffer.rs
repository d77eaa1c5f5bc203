use std::collections::{BTreeMap, BTreeSet, VecDeque};

use event_log::{Position, Reading};

/// The approximate size of a record in memory without its payload, in bytes.
const RECORD_BYTES: usize = 512;

/// The records that the shared reader has read last. Each subscriber reads them at its own speed.
///
/// The buffer never waits for a slow subscriber: old records make room for new ones, and a subscriber that has missed
/// some of them is [`Behind`](Next::Behind). Only the fastest subscriber holds the reader back.
pub(super) struct Buffer {
    records: VecDeque<Buffered>,
    /// How many records have left the buffer.
    evicted: u64,
    bytes: usize,
    max_bytes: usize,
    partitions: BTreeMap<i32, Partition>,
    /// How many records each subscriber has passed, those that were not for it included.
    cursors: BTreeMap<u64, u64>,
}

struct Buffered {
    record: Reading,
    bytes: usize,
    assignment: u64,
}

/// A partition that is being read.
struct Partition {
    /// The number of its assignment. Records of an earlier one may still be in the buffer.
    assignment: u64,
    /// The buffer has all records from here to `next`.
    complete_from: i64,
    /// The offset after the last record.
    next: i64,
    /// Whether there was no more to read after the last record.
    is_at_end: bool,
}

/// How far a subscriber has read.
#[derive(Default)]
pub(super) struct Progress {
    /// The next offset by partition.
    pub(super) next: BTreeMap<i32, i64>,
    /// The partitions that were reported to have been read to their end.
    ended: BTreeSet<i32>,
}

/// What the buffer has next for a subscriber.
pub(super) enum Next {
    Reading(Reading),
    Nothing,
    /// Records that it has not read are no longer in the buffer.
    Behind,
}

impl Progress {
    /// Moves beyond a record. Returns whether the subscriber reads its partition and has not read it before.
    pub(super) fn advance(&mut self, position: &Position) -> bool {
        let next = self.next.get_mut(&position.partition).filter(|next| **next <= position.offset);
        let is_new = next.map(|next| *next = position.offset + 1).is_some();
        if is_new {
            self.ended.remove(&position.partition);
        }
        is_new
    }
}

impl Buffer {
    pub(super) const fn new(max_bytes: usize) -> Self {
        Self {
            records: VecDeque::new(),
            evicted: 0,
            bytes: 0,
            max_bytes,
            partitions: BTreeMap::new(),
            cursors: BTreeMap::new(),
        }
    }

    /// A partition is read from this offset on.
    pub(super) fn begin(&mut self, partition: i32, assignment: u64, offset: i64) {
        let begun = Partition { assignment, complete_from: offset, next: offset, is_at_end: false };
        self.partitions.insert(partition, begun);
    }

    /// A partition is no longer read.
    pub(super) fn end(&mut self, partition: i32) {
        self.partitions.remove(&partition);
    }

    pub(super) fn has(&self, partition: i32) -> bool {
        self.partitions.contains_key(&partition)
    }

    /// The partitions that are being read.
    pub(super) fn partitions(&self) -> impl Iterator<Item = i32> {
        self.partitions.keys().copied()
    }

    /// All records of a partition have been read.
    pub(super) fn caught_up(&mut self, partition: i32) {
        if let Some(partition) = self.partitions.get_mut(&partition) {
            partition.is_at_end = true;
        }
    }

    /// Adds a record of a partition, and removes old ones if there is no more room.
    pub(super) fn push(&mut self, record: Reading) {
        let Some(position) = record.position() else { return };
        let Some(partition) = self.partitions.get_mut(&position.partition) else { return };
        partition.next = position.offset + 1;
        partition.is_at_end = false;
        let assignment = partition.assignment;
        let bytes = RECORD_BYTES + record.payload_bytes();
        self.bytes += bytes;
        self.records.push_back(Buffered { record, bytes, assignment });
        while self.bytes > self.max_bytes && self.records.len() > 1 {
            self.evict();
        }
    }

    fn evict(&mut self) {
        let Some(Buffered { record, bytes, assignment }) = self.records.pop_front() else { return };
        self.evicted += 1;
        self.bytes -= bytes;
        if let Some(position) = record.position()
            && let Some(partition) = self.partitions.get_mut(&position.partition)
            && partition.assignment == assignment
        {
            partition.complete_from = position.offset + 1;
        }
    }

    /// Whether records can be added without the fastest subscriber missing any.
    pub(super) fn has_room(&self) -> bool {
        let fastest = self.cursors.values().max();
        let read = fastest.map_or(u64::MAX, |cursor| cursor.saturating_sub(self.evicted));
        self.bytes < self.max_bytes || read > self.records.len() as u64 / 2
    }

    /// Whether the buffer has everything that a subscriber has not read yet.
    fn is_complete_for(&self, progress: &Progress) -> bool {
        progress.next.iter().all(|(partition, next)| {
            self.partitions.get(partition).is_none_or(|partition| partition.complete_from <= *next)
        })
    }

    /// Lets a subscriber read from the buffer, unless the buffer does not have everything that it has not read yet.
    /// Returns whether it does.
    pub(super) fn attach(&mut self, subscriber: u64, progress: &Progress) -> bool {
        let is_complete = self.is_complete_for(progress);
        if is_complete {
            self.cursors.insert(subscriber, self.evicted);
        }
        is_complete
    }

    pub(super) fn detach(&mut self, subscriber: u64) {
        self.cursors.remove(&subscriber);
    }

    /// Whether a subscriber has read the older half of the buffer, so that it would not be behind again at once.
    pub(super) fn is_close(&self, progress: &Progress) -> bool {
        let older = self.records.iter().take(self.records.len() / 2);
        older
            .filter_map(|buffered| buffered.record.position())
            .all(|position| progress.next.get(&position.partition).is_none_or(|next| position.offset < *next))
    }

    /// What an attached subscriber has not read yet.
    pub(super) fn next(&mut self, subscriber: u64, progress: &mut Progress) -> Next {
        let Some(mut passed) = self.cursors.get(&subscriber).copied() else { return Next::Behind };
        if passed < self.evicted {
            if !self.is_complete_for(progress) {
                return Next::Behind;
            }
            passed = self.evicted;
        }
        let mut next = Next::Nothing;
        while let Some(buffered) = self.record(passed) {
            passed += 1;
            if self.is_current(buffered)
                && buffered.record.position().is_some_and(|position| progress.advance(position))
            {
                next = Next::Reading(buffered.record.clone());
                break;
            }
        }
        self.cursors.insert(subscriber, passed);
        if matches!(next, Next::Nothing) { self.next_end(progress) } else { next }
    }

    fn record(&self, number: u64) -> Option<&Buffered> {
        self.records.get(usize::try_from(number - self.evicted).ok()?)
    }

    /// Whether a record is of the current assignment of its partition.
    fn is_current(&self, buffered: &Buffered) -> bool {
        let partition = buffered.record.position().and_then(|at| self.partitions.get(&at.partition));
        partition.is_some_and(|partition| partition.assignment == buffered.assignment)
    }

    /// A partition that has been read to its end, if that was not reported before.
    fn next_end(&self, progress: &mut Progress) -> Next {
        let ended = progress.next.iter().find(|(number, next)| {
            let partition = self.partitions.get(number);
            partition.is_some_and(|partition| partition.is_at_end && partition.next <= **next)
                && !progress.ended.contains(number)
        });
        let Some((&partition, _)) = ended else { return Next::Nothing };
        progress.ended.insert(partition);
        Next::Reading(Reading::CaughtUp(partition))
    }
}
