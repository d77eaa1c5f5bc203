use std::sync::Arc;

use event_log::{Codec, InvalidRecord, LogError, RawRecord, Recorded};
use metrics::{counter, gauge};
use tracing::error;

use super::{ParkReason, ParkedEvent, dropped::Dropped, parked_index::ParkedIndex};
use crate::projector::{batch::Batch, checkpoint::Checkpoint, target::Target};
use crate::{Projection, ProjectionError};

/// Decides for each event whether it is applied, parked or skipped, according to what is parked and dropped in the
/// partitions that the projector owns.
pub(crate) struct Parking {
    projection: &'static str,
    generation: i32,
    pub(super) topic: String,
    /// The maximum number of parked aggregates: more than that probably have a common cause.
    limit: usize,
    pub(super) parked_index: ParkedIndex,
    pub(super) dropped: Dropped,
}

impl Parking {
    pub(crate) fn new(target: &Target, limit: usize) -> Self {
        let Target { projection, generation, topic, .. } = target.clone();
        Self {
            projection,
            generation,
            topic,
            limit,
            parked_index: ParkedIndex::default(),
            dropped: Dropped::default(),
        }
    }

    /// Adds an event to a batch. After an error it has not been added and must be read again.
    pub(crate) fn add<P: Projection>(
        &mut self,
        codec: &Codec,
        batch: &mut Batch<P::Event>,
        claimed: Checkpoint,
        recorded: Arc<Recorded>,
    ) -> Result<(), ProjectionError> {
        self.check_limit()?;
        let reached = batch.checkpoint_after(claimed, &recorded)?;
        let (partition, offset) = (recorded.position.partition, recorded.position.offset);
        let (aggregate, time) = (recorded.envelope.aggregate_id.clone(), recorded.envelope.time);
        if self.dropped.contains(partition, aggregate.as_str(), offset) {
            // An operator dropped the event: it is neither applied nor parked.
        } else if !P::wants(recorded.envelope.short_type()) {
            batch.skip(&recorded);
        } else if self.parked_index.contains(partition, aggregate.as_str()) {
            self.park(batch, ParkedEvent::new(recorded, None));
        } else {
            self.apply::<P>(codec, batch, recorded)?;
        }
        batch.move_checkpoint(partition, reached, Some(time));
        Ok(())
    }

    fn apply<P: Projection>(
        &mut self,
        codec: &Codec,
        batch: &mut Batch<P::Event>,
        recorded: Arc<Recorded>,
    ) -> Result<(), ProjectionError> {
        let before = self.dropped.before(&recorded);
        let park_reason = match codec.decode(&recorded) {
            Ok(event) => match batch.check(&recorded, before) {
                Ok(()) => {
                    batch.push(recorded, event, before);
                    return Ok(());
                }
                Err(discontinuity) => ParkReason::version(&discontinuity, before),
            },
            Err(error) => {
                ParkReason::payload(error, before).map_err(|error| LogError::unreadable(&recorded, error))?
            }
        };
        self.park(batch, ParkedEvent::new(recorded, Some(park_reason)));
        Ok(())
    }

    /// Adds a record that is not an event to a batch.
    pub(crate) fn add_invalid<E>(
        &mut self,
        batch: &mut Batch<E>,
        claimed: Checkpoint,
        record: RawRecord,
        reason: &InvalidRecord,
    ) -> Result<(), ProjectionError> {
        self.check_limit()?;
        let reached = batch.checkpoint_after_record(claimed, &record);
        let aggregate = record.aggregate_id().map(|id| id.to_string()).unwrap_or_default();
        let (partition, offset) = (record.position.partition, record.position.offset);
        if !self.dropped.contains(partition, &aggregate, offset) {
            let waits = self.parked_index.contains(partition, &aggregate);
            let park_reason = (!waits).then(|| ParkReason::record(reason, None));
            self.park(batch, ParkedEvent { record, aggregate, park_reason });
        }
        batch.move_checkpoint(partition, reached, None);
        Ok(())
    }

    fn park<E>(&mut self, batch: &mut Batch<E>, event: ParkedEvent) {
        self.parked_index.add(event.partition(), &event.aggregate, 1);
        batch.park(event);
    }

    fn check_limit(&self) -> Result<(), ProjectionError> {
        if self.parked_index.aggregates() < self.limit {
            return Ok(());
        }
        Err(ProjectionError::TooManyParked { projection: self.projection, limit: self.limit })
    }

    /// Records that a batch was written. If an aggregate was parked while the batch was written, its events in `next`,
    /// which was read in the meantime, are parked too.
    pub(crate) fn written<E>(&mut self, batch: &Batch<E>, next: Option<&mut Batch<E>>) {
        for event in batch.refused() {
            self.parked_index.add(event.partition(), &event.aggregate, 1);
        }
        if let Some(next) = next {
            for event in next.remove_parked_by(batch) {
                self.park(next, event);
            }
        }
        for event in batch.parked() {
            self.log(event);
        }
    }

    /// Logs a parked event that has a reason: the first of its aggregate, or a record without an aggregate.
    fn log(&self, event: &ParkedEvent) {
        let Some(ParkReason { cause, .. }) = &event.park_reason else {
            return;
        };
        let (projection, generation, cause) = (self.projection, self.generation, cause.as_str());
        let (position, aggregate) = (&event.record.position, &event.aggregate);
        let labels =
            [("projection", projection), ("cause", cause)].map(|(name, value)| (name, value.to_owned()));
        counter!("projection_parked_total", &labels).increment(1);
        error!(
            projection, generation, %position, aggregate.id = aggregate, cause,
            "event at {position} and all later events of its aggregate are parked ({cause}): \
             see `foldline parked show {position}`"
        );
    }

    /// Removes partitions that this projector no longer owns.
    pub(crate) fn remove_partitions(&mut self, partitions: &[i32]) {
        self.parked_index.remove_partitions(partitions);
    }

    /// Sets the gauges.
    pub(crate) fn report(&self) {
        let labels =
            [("projection", self.projection.to_owned()), ("generation", self.generation.to_string())];
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        let (aggregates, events) = (self.parked_index.aggregates() as f64, self.parked_index.events() as f64);
        gauge!("projection_parked_aggregates", &labels).set(aggregates);
        gauge!("projection_parked_events", &labels).set(events);
    }

    /// How many events are parked, for operators; `None` if there are none.
    pub(crate) fn summary(&self) -> Option<String> {
        let (events, aggregates) = (self.parked_index.events(), self.parked_index.aggregates());
        (events > 0).then(|| format!("{events} events of {aggregates} aggregates are parked"))
    }
}
