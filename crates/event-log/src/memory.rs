//! A partition in memory, for tests of what is built on the log. It can fail on purpose, before or after the events are
//! in the log.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Batch, Claimed, Fold, LogError, NewOutcome, NewRecord, PartitionLog, Position, Recorded};

/// A partition in memory. Clones share the log but not the ownership: each must claim it.
#[derive(Debug, Default)]
pub struct MemoryLog {
    shared: Arc<Mutex<Partition>>,
    /// The number of this clone's claim; 0 before the first claim and after every error.
    fence: u64,
    /// The epoch of this clone's ownership.
    epoch: u64,
}

#[derive(Debug, Default)]
struct Partition {
    records: Vec<Recorded>,
    outcomes: Vec<NewOutcome>,
    next_command: i64,
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

    /// The committed offset of the commands topic.
    pub fn next_command(&self) -> i64 {
        self.lock().next_command
    }

    /// The outcomes of the commands that came through Kafka.
    pub fn outcomes(&self) -> Vec<NewOutcome> {
        self.lock().outcomes.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Partition> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clone for MemoryLog {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), fence: 0, epoch: 0 }
    }
}

impl PartitionLog for MemoryLog {
    fn read(&mut self, next: i64, fold: &mut Fold<'_>) -> Result<(), LogError> {
        let (records, readable) = {
            let partition = self.lock();
            partition.reaches(next)?;
            (partition.records.clone(), partition.readable)
        };
        let read = records.partition_point(|record| record.position.offset < next);
        let reached = readable.map_or(records.len(), |count| count.clamp(read, records.len()));
        records[read..reached].iter().cloned().try_for_each(fold)?;
        if reached < records.len() { Err(LogError::Planted) } else { Ok(()) }
    }

    fn claim(&mut self, next: i64, fold: &mut Fold<'_>) -> Result<Claimed, LogError> {
        self.fence = 0;
        let mut partition = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        partition.reaches(next)?;
        partition.fence += 1;
        let fails = partition.failing_claims > 0;
        partition.failing_claims -= u32::from(fails);
        let read = partition.records.partition_point(|record| record.position.offset < next);
        let new = &partition.records[read..];
        let reached = if fails { new.len() / 2 } else { new.len() };
        new[..reached].iter().cloned().try_for_each(fold)?;
        if fails {
            return Err(LogError::Planted);
        }
        partition.epoch += 1;
        (self.fence, self.epoch) = (partition.fence, partition.epoch);
        Ok(Claimed { epoch: self.epoch, next_command: partition.next_command })
    }

    fn append(&mut self, batch: &Batch<'_>) -> Result<Vec<i64>, LogError> {
        let mut partition = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        // As in Kafka, an owner that met an error must claim the partition again before it can write.
        let fence = std::mem::take(&mut self.fence);
        if fence == 0 {
            return Err(LogError::NotClaimed);
        }
        if fence != partition.fence {
            return Err(LogError::Replaced);
        }
        let fault = std::mem::take(&mut partition.next_append);
        if fault == Fault::Before {
            return Err(LogError::Planted);
        }
        let offsets: Vec<_> = batch.events.iter().map(|record| partition.push(record)).collect();
        partition.outcomes.extend((batch.outcomes)(&offsets));
        partition.next_command = batch.next_command.unwrap_or(partition.next_command);
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

impl Partition {
    /// Every second offset is skipped, as if a commit marker occupied it.
    fn end(&self) -> i64 {
        2 * i64::try_from(self.records.len()).expect("a test's log is short")
    }

    fn reaches(&self, next: i64) -> Result<(), LogError> {
        let end = self.end();
        if next > end { Err(LogError::BeyondEnd { next, end }) } else { Ok(()) }
    }

    fn push(&mut self, record: &NewRecord) -> i64 {
        let offset = self.end();
        self.records.push(Recorded {
            envelope: record.envelope.clone(),
            position: Position { topic: "memory".into(), partition: 0, offset },
            payload: record.payload.clone(),
        });
        offset
    }
}
