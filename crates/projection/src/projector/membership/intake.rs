use std::time::Duration;

use event_log::{InvalidRecord, Reading};

use super::{FIRST_EVENT, Membership};
use crate::projector::{
    batch::Batch,
    catch_up_buffer::{self, Released},
    pace::Pace,
};
use crate::{Projection, ProjectionError};

/// Reads the log into the next batch.
impl<P: Projection> Membership<'_, P> {
    /// Takes what has arrived; it only waits for the first event.
    pub(super) fn drain(&mut self, batch: &mut Batch<P::Event>) -> Result<(), ProjectionError> {
        let (most_events, mut bytes_left) = self.room();
        while batch.len() < most_events
            && let Some(released) = self.buffer.release()
        {
            self.take_released(batch, released)?;
        }
        let is_idle = batch.reached().is_empty() && self.buffer.is_empty();
        let mut patience = if is_idle { FIRST_EVENT } else { Duration::ZERO };
        while batch.len() < most_events && bytes_left > 0 {
            match self.reader.next(patience)? {
                record @ (Reading::Event(_) | Reading::Invalid { .. }) => {
                    bytes_left = bytes_left.saturating_sub(size(&record));
                    self.take(batch, record)?;
                }
                Reading::Assigned(partitions) => {
                    self.assigned = Some(numbers(partitions));
                    return Ok(());
                }
                Reading::Revoked(partitions) => self.release(batch, &numbers(partitions))?,
                Reading::CaughtUp(partition) => self.caught_up(partition),
                Reading::OutOfReach(_) => self.lose_kafka(),
                Reading::Idle => return Ok(()),
            }
            patience = Duration::ZERO;
        }
        Ok(())
    }

    /// The most events, and about how many bytes, of the next batch.
    fn room(&self) -> (usize, usize) {
        let settings = &self.worker.shared.settings;
        let most = if self.is_live { settings.batch_size } else { settings.build_batch_size };
        let most = self.worker.batch_limit.at_most(most.get());
        (Pace::batch_size(self.rate_limit(), most), settings.batch_bytes.get())
    }

    fn take(&mut self, batch: &mut Batch<P::Event>, record: Reading) -> Result<(), ProjectionError> {
        match catch_up_buffer::position(&record) {
            Some(position) if !self.is_live && self.buffer.must_hold(position) => {
                let partition = position.partition;
                self.untried.remove(&partition);
                if self.buffer.hold(partition, record) {
                    self.reader.pause(&self.worker.topic, partition)?;
                }
                Ok(())
            }
            _ => self.fold(batch, record),
        }
    }

    fn take_released(
        &mut self,
        batch: &mut Batch<P::Event>,
        released: Released,
    ) -> Result<(), ProjectionError> {
        self.fold(batch, released.record)?;
        if let Some(emptied) = released.emptied {
            if emptied.is_stopped {
                self.reader.resume(&self.worker.topic, emptied.partition)?;
            }
            if emptied.is_at_end {
                self.caught_up(emptied.partition);
            }
        }
        Ok(())
    }

    fn fold(&mut self, batch: &mut Batch<P::Event>, record: Reading) -> Result<(), ProjectionError> {
        // Records of a revoked partition that still arrive are applied by its new owner.
        let Some((partition, claimed)) = catch_up_buffer::position(&record)
            .and_then(|position| Some((position.partition, *self.claimed.get(&position.partition)?)))
        else {
            return Ok(());
        };
        self.worker.lag.behind(partition);
        match record {
            Reading::Event(recorded) if !self.reader.is_at_home(&recorded) => {
                self.parking.take_invalid(batch, claimed, (*recorded).into(), &InvalidRecord::Partition)
            }
            Reading::Event(recorded) => self.parking.take::<P>(&self.worker.codec, batch, claimed, *recorded),
            Reading::Invalid { record, reason } => self.parking.take_invalid(batch, claimed, record, &reason),
            _ => Ok(()),
        }
    }

    fn caught_up(&mut self, partition: i32) {
        self.untried.remove(&partition);
        if !self.buffer.end(partition) {
            self.worker.lag.caught_up(partition);
        }
    }
}

fn numbers(partitions: Vec<(String, i32)>) -> Vec<i32> {
    partitions.into_iter().map(|(_, partition)| partition).collect()
}

/// The approximate size of a record in bytes.
fn size(record: &Reading) -> usize {
    match record {
        Reading::Event(recorded) => recorded.payload.len(),
        Reading::Invalid { record, .. } => record.payload.as_ref().map_or(0, Vec::len),
        _ => 0,
    }
}
