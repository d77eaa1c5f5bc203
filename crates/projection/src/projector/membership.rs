//! One membership in a consumer group, from joining to leaving. The live generations of a process are members together.
//!
//! While Postgres writes a batch, the thread reads and decodes the next one. A batch consists of the events that have
//! arrived in the meantime, so batches grow with the lag.

#![expect(clippy::disallowed_methods, reason = "it blocks only the thread of its projector")]

mod intake;
mod report;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use event_log::Bookmarks;
use tokio::{sync::watch, time::timeout};

use crate::projector::{
    batch::Batch,
    catch_up_buffer::CatchUpBuffer,
    checkpoint::{self, Checkpoints},
    database::{Database, Writing, Written},
    instruction::Instruction,
    log_reader::LogReader,
    parking::{Parking, RecordDecoder},
    rate_limiter::RateLimiter,
    target::Target,
    worker::Worker,
};
use crate::{Projection, ProjectionError};

/// How long to wait for the first event of a batch, and so the longest delay of a shutdown.
const FIRST_EVENT: Duration = Duration::from_millis(100);

/// The longest that a batch goes on reading after the last one was written, and so the most that this adds to the age of
/// the read model.
const LONGEST_GATHERING: Duration = Duration::from_millis(10);

pub(crate) struct Membership<'p, P: Projection> {
    worker: &'p mut Worker<P>,
    /// The instruction with which the membership began.
    first: Instruction,
    /// Later instructions, each of which may mean that parked events are to be retried.
    instructions: watch::Receiver<Instruction>,
    database: Database,
    writing: Option<Writing<P::Event>>,
    reader: LogReader,
    /// Partitions that the group has assigned but that are not claimed yet; the list may be empty.
    assigned: Option<Vec<i32>>,
    /// The checkpoints after the batch in flight.
    claimed: Checkpoints,
    parking: Parking,
    /// The checkpoints whose offsets were last committed to the group.
    committed: Checkpoints,
    /// Partitions that have neither moved nor reached their end since they were claimed.
    unread: BTreeSet<i32>,
    /// Records that this generation must not apply before the live one.
    buffer: CatchUpBuffer,
    rate_limiter: RateLimiter,
    /// Until when the next batch goes on reading, even if nothing is being written.
    gather_until: Instant,
    is_live: bool,
    in_group: bool,
    is_kafka_lost: bool,
    last_report: Instant,
}

impl<'p, P: Projection> Membership<'p, P> {
    /// Connects to Postgres first, because a projector that cannot write must not take partitions from those that can.
    pub(crate) fn begin(worker: &'p mut Worker<P>) -> Result<Self, ProjectionError> {
        let first = worker.instructions.borrow().clone();
        let (shared, generation) = (&worker.shared, &first.generation);
        let target = Target::of::<P>(generation, &worker.topic);
        let (is_live, limit) = (target.is_live(), shared.settings.transaction_timeout);
        let parking = Parking::new(&target, shared.settings.parked_limit);
        let database =
            Database::open(&shared.database, &shared.transactions, target, &worker.runtime, limit)?;
        let reader = shared.reader(P::NAME, generation)?;
        Ok(Self {
            buffer: CatchUpBuffer::new(worker.live.clone()),
            instructions: worker.instructions.clone(),
            worker,
            first,
            parking,
            database,
            writing: None,
            reader,
            assigned: None,
            claimed: Checkpoints::new(),
            committed: Checkpoints::new(),
            unread: BTreeSet::new(),
            rate_limiter: RateLimiter::new(),
            gather_until: Instant::now(),
            is_live,
            in_group: false,
            is_kafka_lost: false,
            last_report: Instant::now(),
        })
    }

    /// Writes batches until it fails or is told to stop. Dropping the reader leaves the group.
    pub(crate) fn run(mut self) -> Result<(), ProjectionError> {
        let result = self.write_batches();
        // The batch in flight is awaited in any case, so that it cannot conflict with the next membership.
        let written = self.finish_batch(None);
        result.and(written)
    }

    fn write_batches(&mut self) -> Result<(), ProjectionError> {
        while self.may_continue() {
            let mut batch = Batch::new();
            let read = self.read_batch(&mut batch);
            // If the previous batch failed, this one is dropped with it.
            self.finish_batch(Some(&mut batch))?;
            let read = read.and_then(|has_room| if has_room { self.gather(&mut batch) } else { Ok(()) });
            let is_idle = batch.reached().is_empty();
            // If reading failed, the events before the failure are still written. They may be the last for some time.
            self.begin_batch(batch);
            read?;
            self.claim()?;
            self.retry_parked_if_asked()?;
            self.report();
            self.wait(is_idle);
        }
        Ok(())
    }

    fn may_continue(&self) -> bool {
        !self.worker.stop.is_cancelled() && self.worker.instructions.borrow().continues(&self.first)
    }

    /// Claims the partitions that the group has assigned.
    fn claim(&mut self) -> Result<(), ProjectionError> {
        let Some(partitions) = self.assigned.take() else {
            return Ok(());
        };
        self.finish_batch(None)?;
        let claimed = self.database.claim(&partitions)?;
        self.require_state()?;
        let furthest = self.furthest(&partitions)?;
        self.reader.start(&self.bookmarks(&claimed), &furthest)?;
        for (partition, checkpoint) in &claimed {
            self.worker.lag.start(*partition, checkpoint.next_offset);
        }
        self.unread.extend(partitions);
        self.claimed.extend(claimed);
        self.in_group = true;
        self.retry_parked()
    }

    /// Fails if a claim has found the generation in another state than the one that this membership began with. The
    /// notification of the change is on its way.
    fn require_state(&self) -> Result<(), ProjectionError> {
        if self.database.target().is_some_and(Target::is_live) == self.is_live {
            return Ok(());
        }
        Err(ProjectionError::StateChanged { projection: P::NAME, generation: self.first.generation.number })
    }

    /// The highest offsets that live generations have reached.
    fn furthest(&mut self, partitions: &[i32]) -> Result<Bookmarks, ProjectionError> {
        let furthest = self.database.run(async |connection, target| {
            Ok(checkpoint::furthest(connection, &target.topic, partitions).await?)
        })?;
        Ok(furthest
            .into_iter()
            .map(|(partition, next)| ((self.worker.topic.clone(), partition), next))
            .collect())
    }

    fn retry_parked_if_asked(&mut self) -> Result<(), ProjectionError> {
        // An error means that the supervisor has ended, and this thread is about to be stopped.
        if self.instructions.has_changed().unwrap_or(false) {
            self.instructions.mark_unchanged();
            self.finish_batch(None)?;
            self.retry_parked()?;
        }
        Ok(())
    }

    /// Retries and removes parked events as operators have asked. No batch may be in flight.
    fn retry_parked(&mut self) -> Result<(), ProjectionError> {
        let Worker { codec, projection, .. } = &*self.worker;
        let decoder = RecordDecoder { codec, record: &|record| self.reader.events().read(record) };
        self.parking.retry(&mut self.database, &**projection, &self.claimed, &decoder)
    }

    /// Releases partitions that the group has revoked. The batch in flight is written first, because the next owner's
    /// claim would fence it.
    fn release(&mut self, batch: &mut Batch<P::Event>, partitions: &[i32]) -> Result<(), ProjectionError> {
        // The next assignment sets it again.
        self.in_group = false;
        self.finish_batch(Some(batch))?;
        self.reader.release()?;
        batch.remove_partitions(partitions);
        self.buffer.remove_partitions(partitions);
        self.claimed.retain(|partition, _| !partitions.contains(partition));
        self.unread.retain(|partition| !partitions.contains(partition));
        self.worker.lag.remove_partitions(partitions);
        self.parking.remove_partitions(partitions);
        Ok(())
    }

    fn begin_batch(&mut self, batch: Batch<P::Event>) {
        if batch.reached().is_empty() {
            return;
        }
        self.rate_limiter.began(batch.len(), self.rate_limit());
        self.worker.batch_limit.began(batch.len());
        let from = self.claimed.clone();
        self.claimed.extend(batch.reached());
        self.writing = Some(self.database.begin(&self.worker.projection, from, batch));
    }

    /// Waits until the batch in flight is written. `next` is the batch that was read in the meantime.
    fn finish_batch(&mut self, next: Option<&mut Batch<P::Event>>) -> Result<(), ProjectionError> {
        let Some(writing) = self.writing.take() else {
            return Ok(());
        };
        let Written { batch, ended, took } = self.database.finish(writing)?;
        self.gather_until = ended + took.min(LONGEST_GATHERING);
        for (partition, checkpoint) in batch.reached() {
            self.unread.remove(partition);
            self.worker.lag.applied(*partition, checkpoint.next_offset, batch.latest(*partition));
        }
        self.worker.batch_limit.written();
        self.parking.written(&batch, next);
        Self::record_metrics(batch.len(), took);
        Ok(())
    }

    fn rate_limit(&self) -> Option<i32> {
        self.worker.instructions.borrow().generation.rate_limit
    }

    /// Waits as the rate limit requires, or for the live generation if there is nothing else to do.
    fn wait(&mut self, is_idle: bool) {
        let delay = self.rate_limiter.delay();
        if !delay.is_zero() {
            self.worker.sleep(delay);
        } else if is_idle && !self.buffer.is_empty() {
            let moved = self.buffer.moved();
            // The wait is short, because the group has to be polled.
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
