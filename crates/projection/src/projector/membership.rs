//! One membership in the consumer group, from joining to leaving.
//!
//! While Postgres writes a batch, the thread reads and decodes the next one. A batch is what has arrived meanwhile,
//! so batches grow with the lag.

#![expect(clippy::disallowed_methods, reason = "it has a thread of its own")]

mod intake;
mod report;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use event_log::{Bookmarks, GroupReader};
use tokio::{sync::watch, time::timeout};

use crate::projector::{
    batch::Batch,
    catch_up_buffer::CatchUpBuffer,
    checkpoint::Checkpoints,
    database::{Database, Writing, Written},
    instruction::Instruction,
    pace::Pace,
    parking::{Parking, ReadingAgain},
    target::Target,
    worker::Worker,
};
use crate::{Projection, ProjectionError};

/// How long to wait for the first event of a batch; a shutdown may go unnoticed for this long.
const FIRST_EVENT: Duration = Duration::from_millis(100);

pub(crate) struct Membership<'p, P: Projection> {
    worker: &'p mut Worker<P>,
    begun: Instruction,
    /// Each one may mean that parked events are to be retried.
    hints: watch::Receiver<Instruction>,
    database: Database,
    writing: Option<Writing<P::Event>>,
    reader: GroupReader,
    /// Assigned by the group but not claimed yet; the list may be empty.
    assigned: Option<Vec<i32>>,
    /// The checkpoints after everything that is in flight.
    claimed: Checkpoints,
    parking: Parking,
    hinted: Checkpoints,
    /// Partitions that have neither moved nor reached their end since they were claimed.
    untried: BTreeSet<i32>,
    /// Records that a generation that is not live has to wait with.
    buffer: CatchUpBuffer,
    pace: Pace,
    is_live: bool,
    in_group: bool,
    out_of_reach: bool,
    reported: Instant,
}

impl<'p, P: Projection> Membership<'p, P> {
    /// Connects to Postgres first: a projector that cannot write must not take partitions from others that can.
    pub(crate) fn begin(worker: &'p mut Worker<P>) -> Result<Self, ProjectionError> {
        let begun = worker.instructions.borrow().clone();
        let (shared, generation) = (&worker.shared, &begun.generation);
        let target = Target::of::<P>(generation, &worker.topic);
        let (is_live, limit) = (target.is_live(), shared.settings.transaction_timeout);
        let parking = Parking::new(&target, shared.settings.parked_limit);
        let database = Database::open(&shared.database, target, &worker.runtime, limit)?;
        let group = shared.group(P::NAME, generation.number);
        let reader = GroupReader::join(&shared.client, &group, &[&worker.topic])?;
        Ok(Self {
            buffer: CatchUpBuffer::new(worker.live.clone()),
            hints: worker.instructions.clone(),
            worker,
            begun,
            parking,
            database,
            writing: None,
            reader,
            assigned: None,
            claimed: Checkpoints::new(),
            hinted: Checkpoints::new(),
            untried: BTreeSet::new(),
            pace: Pace::new(),
            is_live,
            in_group: false,
            out_of_reach: false,
            reported: Instant::now(),
        })
    }

    /// Writes batch after batch, until a failure or the end. Dropping the reader leaves the group.
    pub(crate) fn work(mut self) -> Result<(), ProjectionError> {
        let worked = self.batches();
        // Whatever ended the membership: a batch in flight is awaited, so that it cannot collide with the next
        // membership.
        let settled = self.settle(None);
        worked.and(settled)
    }

    fn batches(&mut self) -> Result<(), ProjectionError> {
        while self.goes_on() {
            let mut batch = Batch::new();
            let drained = self.drain(&mut batch);
            // If the previous batch failed, this one is dropped with it.
            self.settle(Some(&mut batch))?;
            let is_idle = batch.reached().is_empty();
            // What was read before a failure is good, and may be all that can be applied for some time.
            self.write(batch);
            drained?;
            self.claim()?;
            self.retry_parked_if_asked()?;
            self.report();
            self.rest(is_idle);
        }
        Ok(())
    }

    fn goes_on(&self) -> bool {
        !self.worker.stop.is_cancelled() && self.worker.instructions.borrow().continues(&self.begun)
    }

    /// Claims the partitions that the group has assigned.
    fn claim(&mut self) -> Result<(), ProjectionError> {
        let Some(partitions) = self.assigned.take() else {
            return Ok(());
        };
        self.settle(None)?;
        let claimed = self.database.claim(&partitions)?;
        self.is_live = self.database.target().is_some_and(Target::is_live);
        self.reader.start(&self.bookmarks(&claimed))?;
        for (partition, checkpoint) in &claimed {
            self.worker.lag.starts(*partition, checkpoint.next_offset);
        }
        self.untried.extend(partitions);
        self.claimed.extend(claimed);
        self.in_group = true;
        self.retry_parked()
    }

    fn retry_parked_if_asked(&mut self) -> Result<(), ProjectionError> {
        // An error means that the supervisor is gone: it is the end.
        if self.hints.has_changed().unwrap_or(false) {
            self.hints.mark_unchanged();
            self.settle(None)?;
            self.retry_parked()?;
        }
        Ok(())
    }

    /// Retries and removes parked events as operators have asked. Nothing may be in flight.
    fn retry_parked(&mut self) -> Result<(), ProjectionError> {
        let Worker { codec, projection, .. } = &*self.worker;
        let reading = ReadingAgain { codec, record: &|record| self.reader.read(record) };
        self.parking.retry(&mut self.database, &**projection, &self.claimed, &reading)
    }

    /// Gives up partitions that the group has revoked, after the batch in flight: the next owner's claim would make
    /// Postgres refuse it.
    fn release(&mut self, batch: &mut Batch<P::Event>, partitions: &[i32]) -> Result<(), ProjectionError> {
        // Until the rebalance is over.
        self.in_group = false;
        self.settle(Some(batch))?;
        self.reader.release()?;
        batch.forget(partitions);
        self.buffer.forget(partitions);
        self.claimed.retain(|partition, _| !partitions.contains(partition));
        self.untried.retain(|partition| !partitions.contains(partition));
        self.worker.lag.forget(partitions);
        self.parking.forget(partitions);
        Ok(())
    }

    fn write(&mut self, batch: Batch<P::Event>) {
        if batch.reached().is_empty() {
            return;
        }
        self.pace.began(batch.len(), self.rate_limit());
        self.worker.batch_limit.began(batch.len());
        let from = self.claimed.clone();
        self.claimed.extend(batch.reached());
        self.writing = Some(self.database.begin(&self.worker.projection, from, batch));
    }

    /// Waits until nothing is in flight. `next` is the batch that was read meanwhile.
    fn settle(&mut self, next: Option<&mut Batch<P::Event>>) -> Result<(), ProjectionError> {
        let Some(writing) = self.writing.take() else {
            return Ok(());
        };
        let Written { batch, took } = self.database.end(writing)?;
        for (partition, checkpoint) in batch.reached() {
            self.untried.remove(partition);
            self.worker.lag.applied(*partition, checkpoint.next_offset, batch.latest(*partition));
        }
        self.worker.batch_limit.written();
        self.parking.written(&batch, next);
        Self::measure(batch.len(), took);
        Ok(())
    }

    fn rate_limit(&self) -> Option<i32> {
        self.worker.instructions.borrow().generation.rate_limit
    }

    /// Keeps to the rate limit, and waits for the live generation if there is nothing else to do.
    fn rest(&mut self, is_idle: bool) {
        let rest = self.pace.rest();
        if !rest.is_zero() {
            self.worker.rest(rest);
        } else if is_idle && !self.buffer.is_empty() {
            let moved = self.buffer.moved();
            // Not longer, because the group has to be polled.
            let _ = self.worker.runtime.block_on(async { timeout(FIRST_EVENT, moved).await });
        }
    }

    fn bookmarks(&self, checkpoints: &Checkpoints) -> Bookmarks {
        let topic = &self.worker.topic;
        checkpoints
            .iter()
            .map(|(partition, checkpoint)| ((topic.clone(), *partition), checkpoint.next_offset))
            .collect()
    }
}
