//! The in-memory twin of a partition, for tests of what stands above the log. It can be told to fail as a broker
//! cannot: before or after the events are in.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{LogError, NewRecord, PartitionLog, Position, Recorded};

/// A partition in memory. Clones share it, but not its ownership: each must claim for itself.
#[derive(Debug, Default)]
pub struct MemoryLog {
    shared: Arc<Mutex<Partition>>,
    /// Which ownership this is; 0 before the first claim and after every error.
    epoch: u64,
}

#[derive(Debug, Default)]
struct Partition {
    records: Vec<Recorded>,
    epoch: u64,
    next_append: Fault,
    failing_claims: u32,
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

    /// The next `times` claims fail on their way, each when half of what is new has been read.
    pub fn fail_claims(&self, times: u32) {
        self.lock().failing_claims = times;
    }

    /// Everything that is in the log.
    pub fn records(&self) -> Vec<Recorded> {
        self.lock().records.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Partition> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clone for MemoryLog {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), epoch: 0 }
    }
}

impl PartitionLog for MemoryLog {
    fn claim(
        &mut self,
        next: i64,
        fold: &mut dyn FnMut(Recorded) -> Result<(), LogError>,
    ) -> Result<u64, LogError> {
        self.epoch = 0;
        let mut partition = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        partition.epoch += 1;
        let fails = partition.failing_claims > 0;
        partition.failing_claims -= u32::from(fails);
        let read = partition.records.partition_point(|record| record.position.offset < next);
        let new = &partition.records[read..];
        let reached = if fails { new.len() / 2 } else { new.len() };
        new[..reached].iter().cloned().try_for_each(fold)?;
        if fails {
            return Err(LogError::Planted);
        }
        self.epoch = partition.epoch;
        Ok(self.epoch)
    }

    fn append(&mut self, group: &[NewRecord]) -> Result<Vec<i64>, LogError> {
        let mut partition = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        // As in Kafka, an owner that has met an error cannot write again before it has claimed again.
        let epoch = std::mem::take(&mut self.epoch);
        if epoch == 0 || epoch != partition.epoch {
            return Err(LogError::NotClaimed);
        }
        let fault = std::mem::take(&mut partition.next_append);
        if fault == Fault::Before {
            return Err(LogError::Planted);
        }
        let offsets = group.iter().map(|record| partition.push(record)).collect();
        if fault == Fault::After {
            Err(LogError::Planted)
        } else {
            self.epoch = epoch;
            Ok(offsets)
        }
    }
}

impl Partition {
    fn push(&mut self, record: &NewRecord) -> i64 {
        // Every second offset is left out, as if a commit marker had taken it.
        let offset = 2 * i64::try_from(self.records.len()).expect("a test's log is short");
        self.records.push(Recorded {
            envelope: record.envelope.clone(),
            position: Position { topic: "memory".into(), partition: 0, offset },
            payload: record.payload.clone(),
        });
        offset
    }
}
