//! One stay in the consumer group, from joining it to leaving it.
//!
//! While Postgres writes a batch, the thread reads and decodes the next one; so a batch is what has come meanwhile, and
//! grows with the lag by itself.

#![expect(clippy::disallowed_methods, reason = "it has a thread of its own")]

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use event_log::{Bookmarks, GroupReader, InvalidRecord, Reading};
use metrics::{counter, histogram};
use tokio::{sync::watch, time::timeout};
use tracing::debug;

use crate::{
    Projection, ProjectionError,
    batch::Batch,
    checkpoint::Checkpoints,
    database::{Database, Writing, Written},
    held::{self, Held, Released},
    instruction::Instruction,
    pace::Pace,
    parking::{Parking, ReadingAgain},
    projector::Projector,
    target::Target,
};

/// How long to wait for the first event of a batch; also how long a shutdown may go unnoticed.
const FIRST_EVENT: Duration = Duration::from_millis(100);
/// How long Kafka may take to answer when it was out of reach.
const PROBE: Duration = Duration::from_millis(500);
/// How often lag and hints are told.
const REPORT: Duration = Duration::from_secs(1);

pub(crate) struct Membership<'p, P: Projection> {
    projector: &'p mut Projector<P>,
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
    held: Held,
    pace: Pace,
    is_live: bool,
    in_group: bool,
    out_of_reach: bool,
    reported: Instant,
}

impl<'p, P: Projection> Membership<'p, P> {
    /// Postgres first: who cannot write takes no partition from those who can.
    pub(crate) fn begin(projector: &'p mut Projector<P>) -> Result<Self, ProjectionError> {
        let begun = projector.instructions.borrow().clone();
        let (projectors, generation) = (&projector.projectors, &begun.generation);
        let target = Target::of::<P>(generation, &projector.topic);
        let (is_live, limit) = (target.is_live(), projectors.settings.transaction_timeout);
        let parking = Parking::new(&target, projectors.settings.parked_limit);
        let database = Database::open(&projectors.database, target, &projector.runtime, limit)?;
        let group = projectors.group(P::NAME, generation.number);
        let reader = GroupReader::join(&projectors.client, &group, &[&projector.topic])?;
        Ok(Self {
            held: Held::new(projector.live.clone()),
            hints: projector.instructions.clone(),
            projector,
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
        !self.projector.stop.is_cancelled() && self.projector.instructions.borrow().continues(&self.begun)
    }

    /// Takes what is there, without a timer: only the first event is waited for.
    fn drain(&mut self, batch: &mut Batch<P::Event>) -> Result<(), ProjectionError> {
        let (most_events, mut bytes_left) = self.room();
        while batch.len() < most_events
            && let Some(released) = self.held.release()
        {
            self.take_released(batch, released)?;
        }
        let is_idle = batch.reached().is_empty() && self.held.is_empty();
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
                Reading::Revoked(partitions) => self.release(batch, &numbers(partitions)),
                Reading::CaughtUp(partition) => self.caught_up(partition),
                Reading::OutOfReach(_) => self.lose_kafka(),
                Reading::Idle => return Ok(()),
            }
            patience = Duration::ZERO;
        }
        Ok(())
    }

    /// How many events, and about how many bytes, the next batch takes.
    fn room(&self) -> (usize, usize) {
        let settings = &self.projector.projectors.settings;
        let most = if self.is_live { settings.batch_size } else { settings.build_batch_size };
        (Pace::batch_size(self.rate_limit(), most.get()), settings.batch_bytes.get())
    }

    fn rate_limit(&self) -> Option<i32> {
        self.projector.instructions.borrow().generation.rate_limit
    }

    fn take(&mut self, batch: &mut Batch<P::Event>, record: Reading) -> Result<(), ProjectionError> {
        match held::position(&record) {
            Some(position) if !self.is_live && self.held.must_hold(position) => {
                let partition = position.partition;
                self.untried.remove(&partition);
                if self.held.hold(partition, record) {
                    self.reader.pause(&self.projector.topic, partition)?;
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
                self.reader.resume(&self.projector.topic, emptied.partition)?;
            }
            if emptied.is_at_end {
                self.caught_up(emptied.partition);
            }
        }
        Ok(())
    }

    fn fold(&mut self, batch: &mut Batch<P::Event>, record: Reading) -> Result<(), ProjectionError> {
        // What still comes of a partition that was given back is its new owner's to apply.
        let Some((partition, claimed)) = held::position(&record)
            .and_then(|position| Some((position.partition, *self.claimed.get(&position.partition)?)))
        else {
            return Ok(());
        };
        self.projector.lag.behind(partition);
        match record {
            Reading::Event(recorded) if !self.reader.is_at_home(&recorded) => {
                self.parking.take_invalid(batch, claimed, (*recorded).into(), &InvalidRecord::Partition)
            }
            Reading::Event(recorded) => {
                self.parking.take::<P>(&self.projector.codec, batch, claimed, *recorded)
            }
            Reading::Invalid { record, reason } => self.parking.take_invalid(batch, claimed, record, &reason),
            _ => Ok(()),
        }
    }

    fn caught_up(&mut self, partition: i32) {
        self.untried.remove(&partition);
        if !self.held.end(partition) {
            self.projector.lag.caught_up(partition);
        }
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
            self.projector.lag.starts(*partition, checkpoint.next_offset);
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
        let Projector { codec, projection, .. } = &*self.projector;
        let reading = ReadingAgain { codec, record: &|record| self.reader.read(record) };
        self.parking.attend(&mut self.database, &**projection, &self.claimed, &reading)
    }

    /// Leaves what the group has taken away. What is in flight of it is good if it is there before its next owner; else
    /// Postgres refuses it.
    fn release(&mut self, batch: &mut Batch<P::Event>, partitions: &[i32]) {
        // Until the group has settled again.
        self.in_group = false;
        batch.forget(partitions);
        self.held.forget(partitions);
        self.claimed.retain(|partition, _| !partitions.contains(partition));
        self.untried.retain(|partition| !partitions.contains(partition));
        self.projector.lag.forget(partitions);
        self.parking.forget(partitions);
    }

    fn write(&mut self, batch: Batch<P::Event>) {
        if batch.reached().is_empty() {
            return;
        }
        self.pace.began(batch.len(), self.rate_limit());
        let from = self.claimed.clone();
        self.claimed.extend(batch.reached());
        self.writing = Some(self.database.begin(&self.projector.projection, from, batch));
    }

    /// Waits until nothing is in flight. The `next` batch was put together meanwhile.
    fn settle(&mut self, next: Option<&mut Batch<P::Event>>) -> Result<(), ProjectionError> {
        let Some(writing) = self.writing.take() else {
            return Ok(());
        };
        let Written { batch, took } = self.database.end(writing)?;
        for (partition, checkpoint) in batch.reached() {
            self.untried.remove(partition);
            self.projector.lag.applied(*partition, checkpoint.next_offset, batch.latest(*partition));
        }
        self.parking.written(&batch, next);
        Self::measure(batch.len(), took);
        Ok(())
    }

    fn measure(events: usize, took: Duration) {
        counter!("projection_events_total", "projection" => P::NAME).increment(events as u64);
        #[expect(clippy::cast_precision_loss, reason = "a histogram is of floats")]
        histogram!("projection_batch_size", "projection" => P::NAME).record(events as f64);
        histogram!("projection_apply_seconds", "projection" => P::NAME).record(took.as_secs_f64());
    }

    fn lose_kafka(&mut self) {
        self.out_of_reach = true;
        self.projector.lag.interrupted();
        self.projector.not_ready("kafka cannot be reached");
    }

    /// Says how things are, where that may have changed.
    fn tell(&mut self) {
        if self.out_of_reach && self.reader.is_kafka_there(PROBE) {
            self.out_of_reach = false;
            self.projector.lag.goes_on();
        }
        if !self.out_of_reach && self.in_group && self.untried.is_empty() {
            self.projector.retry.reset();
            self.projector.ready(self.parking.remark());
        }
        if self.reported.elapsed() >= REPORT {
            self.reported = Instant::now();
            let topic = &self.projector.topic;
            self.projector.lag.report(|partition| self.reader.end(topic, partition));
            self.parking.report();
            self.hint();
        }
    }

    /// Keeps to the rate, and waits for the live generation where there is nothing else to do.
    fn rest(&mut self, is_idle: bool) {
        let rest = self.pace.rest();
        if !rest.is_zero() {
            self.projector.rest(rest);
        } else if is_idle && !self.held.is_empty() {
            let moved = self.held.moved();
            // The group has to be heard meanwhile.
            let _ = self.projector.runtime.block_on(async { timeout(FIRST_EVENT, moved).await });
        }
    }

    /// Shows the group's offsets to those who watch with Kafka's own tools. Nothing depends on it.
    fn hint(&mut self) {
        if self.hinted != self.claimed {
            if let Err(error) = self.reader.hint(&self.bookmarks(&self.claimed)) {
                debug!(%error, "the group's offsets were not committed");
            }
            self.hinted = self.claimed.clone();
        }
    }

    fn bookmarks(&self, checkpoints: &Checkpoints) -> Bookmarks {
        let topic = &self.projector.topic;
        checkpoints
            .iter()
            .map(|(partition, checkpoint)| ((topic.clone(), *partition), checkpoint.next_offset))
            .collect()
    }
}

fn numbers(partitions: Vec<(String, i32)>) -> Vec<i32> {
    partitions.into_iter().map(|(_, partition)| partition).collect()
}

/// About how much a record takes.
fn size(record: &Reading) -> usize {
    match record {
        Reading::Event(recorded) => recorded.payload.len(),
        Reading::Invalid { record, .. } => record.payload.as_ref().map_or(0, Vec::len),
        _ => 0,
    }
}
