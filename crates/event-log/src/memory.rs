//! A shard in memory, for tests of what is built on the log. It can fail on purpose, before or after the events are
//! in the log.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Batch, Claimed, Fold, LogError, NewOutcome, NewRecord, Offsets, Position, Recorded, ShardLog};

/// A shard in memory; by default it has partition 0 alone. Clones share the log but not the ownership: each must claim
/// it.
#[derive(Debug)]
pub struct MemoryLog {
    shared: Arc<Mutex<Shard>>,
    /// The number of this clone's claim; 0 before the first claim and after every error.
    fence: u64,
    /// The epoch of this clone's ownership.
    epoch: u64,
}

#[derive(Debug, Default)]
struct Shard {
    /// The records of all partitions, in the order in which they were written.
    records: Vec<Recorded>,
    outcomes: Vec<NewOutcome>,
    /// The committed offset of the commands topic, for each partition of the shard.
    next_commands: Offsets,
    /// The number of the newest claim, successful or not. It fences all earlier ones.
    fence: u64,
    /// The newest epoch.
    epoch: u64,
    next_append: Fault,
    failing_claims: u32,
    /// After how many records reads fail.
    readable: Option<usize>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum Fault {
    #[default]
    None,
    Before,
    After,
}

impl MemoryLog {
    /// A shard of these partitions.
    pub fn of(partitions: impl IntoIterator<Item = i32>) -> Self {
        let next_commands = partitions.into_iter().map(|partition| (partition, 0)).collect();
        let shard = Shard { next_commands, ..Shard::default() };
        Self { shared: Arc::new(Mutex::new(shard)), fence: 0, epoch: 0 }
    }

    /// The next append fails, and its events are not in the log.
    pub fn fail_before_next_append(&self) {
        self.lock().next_append = Fault::Before;
    }

    /// The next append fails, although its events are in the log.
    pub fn fail_after_next_append(&self) {
        self.lock().next_append = Fault::After;
    }

    /// The next `times` claims fail after reading half of what is new. They still fence the previous owner.
    pub fn fail_claims(&self, times: u32) {
        self.lock().failing_claims = times;
    }

    /// From now on reads fail when they reach the `count`-th record of the log. Claims do not.
    pub fn break_reads_after(&self, count: usize) {
        self.lock().readable = Some(count);
    }

    /// All records in the log.
    pub fn records(&self) -> Vec<Recorded> {
        self.lock().records.clone()
    }

    /// The committed offset of each partition of the commands topic.
    pub fn next_commands(&self) -> Offsets {
        self.lock().next_commands.clone()
    }

    /// The outcomes of the commands that came through Kafka.
    pub fn outcomes(&self) -> Vec<NewOutcome> {
        self.lock().outcomes.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Shard> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryLog {
    fn default() -> Self {
        Self::of([0])
    }
}

impl Clone for MemoryLog {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), fence: 0, epoch: 0 }
    }
}

impl ShardLog for MemoryLog {
    fn read(&mut self, next: &Offsets, fold: &mut Fold<'_>) -> Result<(), LogError> {
        let (new, missing) = {
            let shard = self.lock();
            shard.reaches(next)?;
            let readable = shard.readable.unwrap_or(usize::MAX).min(shard.records.len());
            let missing = shard.records[readable..].iter().any(|record| is_new(record, next));
            (new_of(&shard.records[..readable], next), missing)
        };
        new.into_iter().try_for_each(fold)?;
        if missing { Err(LogError::Planted) } else { Ok(()) }
    }

    fn claim(&mut self, next: &Offsets, fold: &mut Fold<'_>) -> Result<Claimed, LogError> {
        self.fence = 0;
        let mut shard = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shard.reaches(next)?;
        shard.fence += 1;
        let fails = shard.failing_claims > 0;
        shard.failing_claims -= u32::from(fails);
        let mut new = new_of(&shard.records, next);
        if fails {
            new.truncate(new.len() / 2);
        }
        new.into_iter().try_for_each(fold)?;
        if fails {
            return Err(LogError::Planted);
        }
        shard.epoch += 1;
        (self.fence, self.epoch) = (shard.fence, shard.epoch);
        Ok(Claimed { epoch: self.epoch, next_commands: shard.next_commands.clone() })
    }

    fn append(&mut self, batch: &Batch<'_>) -> Result<Vec<i64>, LogError> {
        let mut shard = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        // As in Kafka, an owner that met an error must claim the shard again before it can write.
        let fence = std::mem::take(&mut self.fence);
        if fence == 0 {
            return Err(LogError::NotClaimed);
        }
        if fence != shard.fence {
            return Err(LogError::Replaced);
        }
        let fault = std::mem::take(&mut shard.next_append);
        if fault == Fault::Before {
            return Err(LogError::Planted);
        }
        let offsets: Vec<_> = batch.events.iter().map(|record| shard.push(record)).collect();
        shard.outcomes.extend((batch.outcomes)(&offsets));
        shard.next_commands.extend(batch.next_commands);
        if fault == Fault::After {
            Err(LogError::Planted)
        } else {
            self.fence = fence;
            Ok(offsets)
        }
    }

    fn confirm(&mut self) -> Result<(), LogError> {
        match self.fence {
            0 => Err(LogError::NotClaimed),
            _ if self.epoch == self.lock().epoch => Ok(()),
            _ => Err(LogError::Replaced),
        }
    }

    fn newest_epoch(&mut self) -> Result<u64, LogError> {
        Ok(self.lock().epoch)
    }

    fn release(&mut self) {
        self.fence = 0;
    }
}

/// Whether a record is at or after the next offset of its partition.
fn is_new(record: &Recorded, next: &Offsets) -> bool {
    next.get(&record.position.partition).is_none_or(|next| record.position.offset >= *next)
}

fn new_of(records: &[Recorded], next: &Offsets) -> Vec<Recorded> {
    records.iter().filter(|record| is_new(record, next)).cloned().collect()
}

impl Shard {
    /// Every second offset is skipped, as if a commit marker occupied it.
    fn end(&self, partition: i32) -> i64 {
        let there = self.records.iter().filter(|record| record.position.partition == partition);
        2 * i64::try_from(there.count()).expect("a test's log is short")
    }

    fn reaches(&self, next: &Offsets) -> Result<(), LogError> {
        for (&partition, &next) in next {
            let end = self.end(partition);
            if next > end {
                return Err(LogError::BeyondEnd { partition, next, end });
            }
        }
        Ok(())
    }

    fn push(&mut self, record: &NewRecord) -> i64 {
        let NewRecord { partition, ref envelope, ref payload } = *record;
        let offset = self.end(partition);
        self.records.push(Recorded {
            envelope: envelope.clone(),
            position: Position { topic: "memory".into(), partition, offset },
            payload: payload.clone(),
        });
        offset
    }
}
