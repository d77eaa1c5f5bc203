//! One stay in the consumer group, from joining it to leaving it.
//!
//! While Postgres writes a batch, the thread reads and decodes the next one; so a batch is what has come meanwhile, and
//! grows with the lag by itself.

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

/// How long to wait for the first event of a batch; also how long a shutdown may go unnoticed.
const FIRST_EVENT: Duration = Duration::from_millis(100);

pub(crate) struct Membership<'p, P: Projection> {
    worker: &'p mut Worker<P>,
    begun: Instruction,
    /// Each one may mean that something is to be done about parked events.
    hints: watch::Receiver<Instruction>,
    database: Database,
    writing: Option<Writing<P::Event>>,
    reader: GroupReader,
    /// Given by the group, and not claimed yet; none may be given, too.
    assigned: Option<Vec<i32>>,
    /// Where the partitions stand when everything is written that has been begun.
    claimed: Checkpoints,
    parking: Parking,
    hinted: Checkpoints,
    /// Partitions that have neither moved nor shown their end since they were claimed.
    untried: BTreeSet<i32>,
    /// What a generation that is not live has to wait with.
    buffer: CatchUpBuffer,
    pace: Pace,
    is_live: bool,
    in_group: bool,
    out_of_reach: bool,
    reported: Instant,
}

impl<'p, P: Projection> Membership<'p, P> {
    /// Postgres first: who cannot write takes no partition from those who can.
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

    /// Batch after batch, until a failure or the end. Dropping the reader leaves the group.
    pub(crate) fn work(mut self) -> Result<(), ProjectionError> {
        let worked = self.batches();
        // Whatever ended the stay: what was begun is awaited, so that it cannot meet the next stay.
        let settled = self.settle(None);
        worked.and(settled)
    }

    fn batches(&mut self) -> Result<(), ProjectionError> {
        while self.goes_on() {
            let mut batch = Batch::new();
            let drained = self.drain(&mut batch);
            // If the batch before has failed, the one behind it goes with it.
            self.settle(Some(&mut batch))?;
            let is_idle = batch.reached().is_empty();
            // What came before a failure is good, and may be all that can be applied for some time.
            self.write(batch);
            drained?;
            self.claim()?;
            self.attend_if_told()?;
            self.tell();
            self.rest(is_idle);
        }
        Ok(())
    }

    fn goes_on(&self) -> bool {
        !self.worker.stop.is_cancelled() && self.worker.instructions.borrow().continues(&self.begun)
    }

    /// Takes over what the group has given.
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
        self.attend()
    }

    fn attend_if_told(&mut self) -> Result<(), ProjectionError> {
        // An error means that nobody tells any more: it is the end.
        if self.hints.has_changed().unwrap_or(false) {
            self.hints.mark_unchanged();
            self.settle(None)?;
            self.attend()?;
        }
        Ok(())
    }

    /// Tries parked events again, where somebody has asked for it. Nothing may be in flight.
    fn attend(&mut self) -> Result<(), ProjectionError> {
        let Worker { codec, projection, .. } = &*self.worker;
        let reading = ReadingAgain { codec, record: &|record| self.reader.read(record) };
        self.parking.attend(&mut self.database, &**projection, &self.claimed, &reading)
    }

    /// Leaves what the group has taken away. What is in flight of it is good if it is there before its next owner; else
    /// Postgres refuses it.
    fn release(&mut self, batch: &mut Batch<P::Event>, partitions: &[i32]) {
        // Until the group has settled again.
        self.in_group = false;
        batch.forget(partitions);
        self.buffer.forget(partitions);
        self.claimed.retain(|partition, _| !partitions.contains(partition));
        self.untried.retain(|partition| !partitions.contains(partition));
        self.worker.lag.forget(partitions);
        self.parking.forget(partitions);
    }

    fn write(&mut self, batch: Batch<P::Event>) {
        if batch.reached().is_empty() {
            return;
        }
        self.pace.began(batch.len(), self.rate_limit());
        let from = self.claimed.clone();
        self.claimed.extend(batch.reached());
        self.writing = Some(self.database.begin(&self.worker.projection, from, batch));
    }

    /// Waits until nothing is in flight. The `next` batch was put together meanwhile.
    fn settle(&mut self, next: Option<&mut Batch<P::Event>>) -> Result<(), ProjectionError> {
        let Some(writing) = self.writing.take() else {
            return Ok(());
        };
        let Written { batch, took } = self.database.end(writing)?;
        for (partition, checkpoint) in batch.reached() {
            self.untried.remove(partition);
            self.worker.lag.applied(*partition, checkpoint.next_offset, batch.latest(*partition));
        }
        self.parking.written(&batch, next);
        Self::measure(batch.len(), took);
        Ok(())
    }

    fn rate_limit(&self) -> Option<i32> {
        self.worker.instructions.borrow().generation.rate_limit
    }

    /// Keeps to the rate, and waits for the live generation where there is nothing else to do.
    fn rest(&mut self, is_idle: bool) {
        let rest = self.pace.rest();
        if !rest.is_zero() {
            self.worker.rest(rest);
        } else if is_idle && !self.buffer.is_empty() {
            let moved = self.buffer.moved();
            // The group has to be heard meanwhile.
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
