//! A shard in memory, for tests of what is built on the log. It can fail on purpose, before or after the events are
//! in the log.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{
    Batch, Claimed, Fold, LogError, NewOutcome, NewRecord, Offsets, Position, Recorded, Sent, ShardLog,
};

/// A shard in memory; by default it has partition 0 alone. Clones share the log but not the ownership: each must claim
/// it.
#[derive(Debug)]
pub struct MemoryLog {
    shared: Arc<Mutex<Shard>>,
    /// The number of this clone's claim; 0 where it has none.
    fence: u64,
    /// The epoch of this clone's ownership.
    epoch: u64,
}

#[derive(Debug, Default)]
struct Shard {
    /// The records of all partitions, in the order in which they were committed.
    records: Vec<Recorded>,
    /// The end of each partition, including records that are not committed.
    ends: Offsets,
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

    /// Deletes the committed offsets of the commands topic, as Kafka does when they are too old.
    pub fn expire_next_commands(&self) {
        self.lock().next_commands.clear();
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

    fn send(&mut self, batch: &Batch<'_>) -> Result<Sent, LogError> {
        let mut shard = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let fence = self.fence;
        shard.check(fence)?;
        let fault = std::mem::take(&mut shard.next_append);
        let records: Vec<_> = batch.events.iter().map(|record| shard.sent(record)).collect();
        let offsets: Vec<_> = records.iter().map(|record| record.position.offset).collect();
        let (outcomes, next_commands) = ((batch.outcomes)(&offsets), batch.next_commands.clone());
        let log = Arc::clone(&self.shared);
        let commit = move || {
            let mut shard = log.lock().unwrap_or_else(PoisonError::into_inner);
            shard.check(fence)?;
            if fault != Fault::Before {
                shard.records.extend(records);
                shard.outcomes.extend(outcomes);
                shard.next_commands.extend(next_commands);
            }
            if fault == Fault::None { Ok(()) } else { Err(LogError::Planted) }
        };
        Ok(Sent { offsets, commit: Box::new(commit) })
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
    fn end(&self, partition: i32) -> i64 {
        self.ends.get(&partition).copied().unwrap_or(0)
    }

    /// Whether an owner may write.
    fn check(&self, fence: u64) -> Result<(), LogError> {
        match fence {
            0 => Err(LogError::NotClaimed),
            _ if fence == self.fence => Ok(()),
            _ => Err(LogError::Replaced),
        }
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

    /// Gives a record its offset. Every second offset is skipped, as if a commit marker occupied it.
    fn sent(&mut self, record: &NewRecord) -> Recorded {
        let NewRecord { partition, ref envelope, ref payload } = *record;
        let offset = self.end(partition);
        self.ends.insert(partition, offset + 2);
        Recorded {
            envelope: envelope.clone(),
            position: Position { topic: "memory".into(), partition, offset },
            payload: payload.clone(),
        }
    }
}
