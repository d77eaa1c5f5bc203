use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use event_log::{InvalidRecord, Reading};

use super::{FIRST_EVENT, Membership};
use crate::projector::{batch::Batch, catch_up_buffer::Released, rate_limiter::RateLimiter};
use crate::{Projection, ProjectionError};

/// Reads the log into the next batch.
impl<P: Projection> Membership<'_, P> {
    /// Reads the events that have arrived. It waits only for the first one. Returns whether the batch has room for more.
    pub(super) fn read_batch(&mut self, batch: &mut Batch<P::Event>) -> Result<bool, ProjectionError> {
        let (max_events, _) = self.batch_limits();
        while batch.len() < max_events
            && let Some(released) = self.buffer.release()
        {
            self.add_released(batch, released)?;
        }
        let is_idle = batch.reached().is_empty() && self.buffer.is_empty();
        self.read_on(batch, if is_idle { FIRST_EVENT } else { Duration::ZERO })
    }

    /// Goes on reading for as long as writing the last batch took. Each transaction has a cost of its own, so that half of
    /// the time at the most is spent on them, and batches grow with the load.
    pub(super) fn gather(&mut self, batch: &mut Batch<P::Event>) -> Result<(), ProjectionError> {
        let mut has_room = !batch.reached().is_empty();
        while has_room && !self.worker.stop.is_cancelled() {
            let left = self.gather_until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            has_room = self.read_on(batch, left)?;
        }
        Ok(())
    }

    /// Reads on until the batch is full, the assignment changes, or nothing has arrived. It waits for the first record
    /// only.
    fn read_on(
        &mut self,
        batch: &mut Batch<P::Event>,
        mut timeout: Duration,
    ) -> Result<bool, ProjectionError> {
        let (max_events, mut bytes_left) = self.batch_limits();
        while batch.len() < max_events && bytes_left > 0 {
            match self.reader.next(timeout)? {
                record @ (Reading::Event(_) | Reading::Invalid { .. }) => {
                    bytes_left = bytes_left.saturating_sub(record.payload_bytes());
                    self.add_or_buffer(batch, record)?;
                }
                Reading::Assigned(partitions) => {
                    self.assigned = Some(numbers(partitions));
                    return Ok(false);
                }
                Reading::Revoked(partitions) => self.release(batch, &numbers(partitions))?,
                Reading::CaughtUp(partition) => self.caught_up(partition),
                Reading::OutOfReach(_) => self.kafka_lost(),
                Reading::Idle => return Ok(true),
            }
            timeout = Duration::ZERO;
        }
        Ok(false)
    }

    /// The maximum number of events in the next batch, and its approximate maximum size in bytes.
    fn batch_limits(&self) -> (usize, usize) {
        let settings = &self.worker.shared.settings;
        let configured = if self.is_live { settings.batch_size } else { settings.build_batch_size };
        let max_events = self.worker.batch_limit.max_events(configured.get());
        (RateLimiter::batch_size(self.rate_limit(), max_events), settings.batch_bytes.get())
    }

    fn add_or_buffer(&mut self, batch: &mut Batch<P::Event>, record: Reading) -> Result<(), ProjectionError> {
        match record.position() {
            Some(position) if !self.is_live && self.buffer.must_hold(position) => {
                let partition = position.partition;
                self.unread.remove(&partition);
                if self.buffer.hold(partition, record) {
                    self.reader.events().pause(&self.worker.topic, partition)?;
                }
                Ok(())
            }
            _ => self.add(batch, record),
        }
    }

    fn add_released(
        &mut self,
        batch: &mut Batch<P::Event>,
        released: Released,
    ) -> Result<(), ProjectionError> {
        self.add(batch, released.record)?;
        if let Some(emptied) = released.emptied {
            if emptied.is_paused {
                self.reader.events().resume(&self.worker.topic, emptied.partition)?;
            }
            if emptied.is_at_end {
                self.caught_up(emptied.partition);
            }
        }
        Ok(())
    }

    fn add(&mut self, batch: &mut Batch<P::Event>, record: Reading) -> Result<(), ProjectionError> {
        // Records of a revoked partition that still arrive are left to its new owner.
        let Some((partition, claimed)) = record
            .position()
            .and_then(|position| Some((position.partition, *self.claimed.get(&position.partition)?)))
        else {
            return Ok(());
        };
        self.worker.lag.behind(partition);
        match record {
            Reading::Event(recorded) if !self.reader.events().is_at_home(&recorded) => {
                let record = Arc::unwrap_or_clone(recorded).into();
                self.parking.add_invalid(batch, claimed, record, &InvalidRecord::Partition)
            }
            Reading::Event(recorded) => self.parking.add::<P>(&self.worker.codec, batch, claimed, recorded),
            Reading::Invalid { record, reason } => self.parking.add_invalid(batch, claimed, record, &reason),
            _ => Ok(()),
        }
    }

    fn caught_up(&mut self, partition: i32) {
        self.unread.remove(&partition);
        if !self.buffer.reached_end(partition) {
            self.worker.lag.caught_up(partition);
        }
    }
}

fn numbers(partitions: Vec<(String, i32)>) -> Vec<i32> {
    partitions.into_iter().map(|(_, partition)| partition).collect()
}
