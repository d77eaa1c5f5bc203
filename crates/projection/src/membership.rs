//! One stay in the consumer group, from joining it to leaving it.

#![expect(clippy::disallowed_methods, reason = "it has a thread of its own")]

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use event_log::{Bookmarks, GroupReader, LogError, Reading, Recorded};
use metrics::{counter, histogram};
use tracing::debug;

use crate::{
    Projection, ProjectionError, batch::Batch, checkpoint::Checkpoints, database::Database, projector::Run,
};

/// How long to wait for the first event of a batch; also how long a shutdown may go unnoticed.
const FIRST_EVENT: Duration = Duration::from_millis(100);
/// How long Kafka may take to answer when it was out of reach.
const PROBE: Duration = Duration::from_millis(500);
/// How often lag and hints are told.
const REPORT: Duration = Duration::from_secs(1);

pub(crate) struct Membership<'r, P: Projection> {
    run: &'r mut Run<P>,
    database: Database,
    reader: GroupReader,
    claimed: Checkpoints,
    hinted: Checkpoints,
    /// Partitions that have neither moved nor shown their end since they were claimed.
    untried: BTreeSet<i32>,
    in_group: bool,
    out_of_reach: bool,
    reported: Instant,
}

impl<'r, P: Projection> Membership<'r, P> {
    /// Postgres first: who cannot write takes no partition from those who can.
    pub(crate) fn begin(run: &'r mut Run<P>) -> Result<Self, ProjectionError> {
        let projector = &run.projector;
        let limit = projector.settings.transaction_timeout;
        let database = Database::connect(&projector.database, &projector.source, &run.runtime, limit)?;
        let reader = GroupReader::join(&projector.client, &projector.group, &[&projector.source.topic])?;
        Ok(Self {
            run,
            database,
            reader,
            claimed: Checkpoints::new(),
            hinted: Checkpoints::new(),
            untried: BTreeSet::new(),
            in_group: false,
            out_of_reach: false,
            reported: Instant::now(),
        })
    }

    /// Batch after batch, until a failure or the end. Dropping the reader leaves the group.
    pub(crate) fn work(mut self) -> Result<(), ProjectionError> {
        while !self.run.projector.shutdown.is_cancelled() {
            let mut batch = Batch::new();
            let drained = self.drain(&mut batch);
            // What came before a failure is good, and may be all that can be applied for some time.
            self.write(&batch)?;
            drained?;
            self.tell();
        }
        Ok(())
    }

    /// Takes what is there, without a timer: only the first event is waited for.
    fn drain(&mut self, batch: &mut Batch<P::Event>) -> Result<(), ProjectionError> {
        let mut patience = FIRST_EVENT;
        while batch.len() < self.run.projector.settings.batch_size.get() {
            match self.reader.next(patience)? {
                Reading::Event(recorded) => self.take(batch, &recorded)?,
                Reading::Invalid { position, reason, .. } => {
                    return Err(LogError::Invalid { position, source: reason }.into());
                }
                Reading::Assigned(partitions) => self.claim(&numbers(partitions))?,
                Reading::Revoked(partitions) => self.release(batch, &numbers(partitions)),
                Reading::CaughtUp(partition) => {
                    self.untried.remove(&partition);
                    self.run.lag.caught_up(partition);
                }
                Reading::OutOfReach(_) => self.lose_kafka(),
                Reading::Idle => return Ok(()),
            }
            patience = Duration::ZERO;
        }
        Ok(())
    }

    fn take(&mut self, batch: &mut Batch<P::Event>, recorded: &Recorded) -> Result<(), ProjectionError> {
        // What still comes of a partition that was given back is its new owner's to apply.
        let Some(claimed) = self.claimed.get(&recorded.position.partition) else {
            return Ok(());
        };
        self.run.lag.behind(recorded.position.partition);
        let event =
            self.run.codec.decode(recorded).map_err(|source| LogError::unreadable(recorded, source))?;
        Ok(batch.push(*claimed, recorded, event)?)
    }

    fn claim(&mut self, partitions: &[i32]) -> Result<(), ProjectionError> {
        let claimed = self.database.claim(partitions)?;
        self.reader.start(&self.bookmarks(&claimed))?;
        for (partition, checkpoint) in &claimed {
            self.run.lag.starts(*partition, checkpoint.next_offset);
        }
        self.untried.extend(partitions);
        self.claimed.extend(claimed);
        self.in_group = true;
        Ok(())
    }

    fn release(&mut self, batch: &mut Batch<P::Event>, partitions: &[i32]) {
        // Until the group has settled again.
        self.in_group = false;
        batch.forget(partitions);
        self.claimed.retain(|partition, _| !partitions.contains(partition));
        self.untried.retain(|partition| !partitions.contains(partition));
        self.run.lag.forget(partitions);
    }

    fn write(&mut self, batch: &Batch<P::Event>) -> Result<(), ProjectionError> {
        if batch.len() == 0 {
            return Ok(());
        }
        let began = Instant::now();
        self.database.write(&mut self.run.projector.projection, &self.claimed, batch)?;
        for (partition, checkpoint) in batch.reached() {
            self.untried.remove(partition);
            self.run.lag.applied(*partition, checkpoint.next_offset, batch.latest(*partition));
        }
        self.claimed.extend(batch.reached());
        self.measure(batch.len(), began.elapsed());
        Ok(())
    }

    fn measure(&self, events: usize, took: Duration) {
        let name = &self.run.projector.source.projection;
        counter!("projection_events_total", "projection" => name.clone()).increment(events as u64);
        #[expect(clippy::cast_precision_loss, reason = "a histogram is of floats")]
        histogram!("projection_batch_size", "projection" => name.clone()).record(events as f64);
        histogram!("projection_apply_seconds", "projection" => name.clone()).record(took.as_secs_f64());
    }

    fn lose_kafka(&mut self) {
        self.out_of_reach = true;
        self.run.lag.interrupted();
        self.run.projector.health.not_ready("kafka cannot be reached");
    }

    /// Says how things are, where that may have changed.
    fn tell(&mut self) {
        if self.out_of_reach && self.reader.is_kafka_there(PROBE) {
            self.out_of_reach = false;
            self.run.lag.goes_on();
        }
        if !self.out_of_reach && self.in_group && self.untried.is_empty() {
            self.run.retry.reset();
            self.run.projector.health.ready();
        }
        if self.reported.elapsed() >= REPORT {
            self.reported = Instant::now();
            let topic = &self.run.projector.source.topic;
            self.run.lag.report(|partition| self.reader.end(topic, partition));
            self.hint();
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
        let topic = &self.run.projector.source.topic;
        checkpoints
            .iter()
            .map(|(partition, checkpoint)| ((topic.clone(), *partition), checkpoint.next_offset))
            .collect()
    }
}

fn numbers(partitions: Vec<(String, i32)>) -> Vec<i32> {
    partitions.into_iter().map(|(_, partition)| partition).collect()
}
