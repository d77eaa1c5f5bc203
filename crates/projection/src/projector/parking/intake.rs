use event_log::{Codec, InvalidRecord, LogError, RawRecord, Recorded};
use metrics::{counter, gauge};
use tracing::error;

use super::{ParkReason, ParkedEvent, dropped::Dropped, parked_index::ParkedIndex};
use crate::projector::{batch::Batch, checkpoint::Checkpoint, target::Target};
use crate::{Projection, ProjectionError};

/// Decides for each event whether it is applied, parked or skipped, by what is parked and dropped in the partitions
/// that the projector owns.
pub(crate) struct Parking {
    projection: &'static str,
    generation: i32,
    pub(super) topic: String,
    /// The most aggregates that may be parked: more of them have a common cause.
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
    pub(crate) fn take<P: Projection>(
        &mut self,
        codec: &Codec,
        batch: &mut Batch<P::Event>,
        claimed: Checkpoint,
        recorded: Recorded,
    ) -> Result<(), ProjectionError> {
        self.require_room()?;
        let reached = batch.after(claimed, &recorded)?;
        let (partition, offset) = (recorded.position.partition, recorded.position.offset);
        let (aggregate, time) = (recorded.envelope.aggregate_id.clone(), recorded.envelope.time);
        if self.dropped.contains(partition, aggregate.as_str(), offset) {
            // An operator dropped it.
        } else if !P::wants(recorded.envelope.short_type()) {
            batch.pass_over(&recorded);
        } else if self.parked_index.contains(partition, aggregate.as_str()) {
            self.park(batch, ParkedEvent::new(recorded, None));
        } else {
            self.apply::<P>(codec, batch, recorded)?;
        }
        batch.reach(partition, reached, Some(time));
        Ok(())
    }

    fn apply<P: Projection>(
        &mut self,
        codec: &Codec,
        batch: &mut Batch<P::Event>,
        recorded: Recorded,
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
    pub(crate) fn take_invalid<E>(
        &mut self,
        batch: &mut Batch<E>,
        claimed: Checkpoint,
        record: RawRecord,
        reason: &InvalidRecord,
    ) -> Result<(), ProjectionError> {
        self.require_room()?;
        let reached = batch.after_record(claimed, &record);
        let aggregate = record.aggregate_id().map(|id| id.to_string()).unwrap_or_default();
        let (partition, offset) = (record.position.partition, record.position.offset);
        if !self.dropped.contains(partition, &aggregate, offset) {
            let waits = self.parked_index.contains(partition, &aggregate);
            let park_reason = (!waits).then(|| ParkReason::record(reason, None));
            self.park(batch, ParkedEvent { record, aggregate, park_reason });
        }
        batch.reach(partition, reached, None);
        Ok(())
    }

    fn park<E>(&mut self, batch: &mut Batch<E>, event: ParkedEvent) {
        self.parked_index.add(event.partition(), &event.aggregate, 1);
        batch.park(event);
    }

    fn require_room(&self) -> Result<(), ProjectionError> {
        if self.parked_index.aggregates() < self.limit {
            return Ok(());
        }
        Err(ProjectionError::TooManyParked { projection: self.projection, limit: self.limit })
    }

    /// Notes that a batch was written. Events of `next`, which was read meanwhile, are parked too if their aggregate
    /// was parked when the batch was written.
    pub(crate) fn written<E>(&mut self, batch: &Batch<E>, next: Option<&mut Batch<E>>) {
        for event in batch.refused() {
            self.parked_index.add(event.partition(), &event.aggregate, 1);
        }
        if let Some(next) = next {
            for event in next.hold_back(batch) {
                self.park(next, event);
            }
        }
        for event in batch.parked() {
            self.log(event);
        }
    }

    /// Once for each aggregate, and for each record that belongs to none.
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
            "event at {position} is parked, and with it all that follows of its aggregate ({cause}): \
             see `foldline parked show {position}`"
        );
    }

    /// Forgets partitions that this projector no longer owns.
    pub(crate) fn forget(&mut self, partitions: &[i32]) {
        self.parked_index.forget(partitions);
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

    /// What an operator should know although everything else goes on.
    pub(crate) fn remark(&self) -> Option<String> {
        let (events, aggregates) = (self.parked_index.events(), self.parked_index.aggregates());
        (events > 0).then(|| format!("{events} events of {aggregates} aggregates are parked"))
    }
}
