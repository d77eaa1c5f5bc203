use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use aggregate::{AggregateId, Version};
use event_log::{Continuity, Discontinuity, Position, RawRecord, Recorded};
use time::OffsetDateTime;

use crate::projector::{
    checkpoint::{Checkpoint, Checkpoints},
    history::History,
    parking::{ParkReason, ParkedEvent, PendingEvents},
};

/// The events of one transaction by aggregate, the events that it parks, and the checkpoints after it.
pub(crate) struct Batch<E> {
    pending: BTreeMap<AggregateId, PendingEvents<E>>,
    parked: Vec<ParkedEvent>,
    /// Events that could not be applied when the batch was written.
    refused: Vec<ParkedEvent>,
    reached: Checkpoints,
    latest: BTreeMap<i32, OffsetDateTime>,
    events: usize,
}

impl<E> Batch<E> {
    pub(crate) const fn new() -> Self {
        Self {
            pending: BTreeMap::new(),
            parked: Vec::new(),
            refused: Vec::new(),
            reached: BTreeMap::new(),
            latest: BTreeMap::new(),
            events: 0,
        }
    }

    /// The checkpoint of the event's partition after the event. `claimed` is the checkpoint before this batch.
    pub(crate) fn checkpoint_after(
        &self,
        claimed: Checkpoint,
        recorded: &Recorded,
    ) -> Result<Checkpoint, Discontinuity> {
        let mut checkpoint = self.checkpoint_at(claimed, &recorded.position);
        checkpoint.continuity.follow(recorded)?;
        Ok(checkpoint)
    }

    /// The checkpoint after a record that is not an event.
    pub(crate) fn checkpoint_after_record(&self, claimed: Checkpoint, record: &RawRecord) -> Checkpoint {
        let mut checkpoint = self.checkpoint_at(claimed, &record.position);
        let before: Continuity = checkpoint.continuity;
        checkpoint.continuity = record.after(before);
        checkpoint
    }

    fn checkpoint_at(&self, claimed: Checkpoint, next: &Position) -> Checkpoint {
        let checkpoint = self.reached.get(&next.partition).copied().unwrap_or(claimed);
        Checkpoint { next_offset: next.offset + 1, ..checkpoint }
    }

    /// Records that the next record of a partition is in this batch, and its time if it is an event.
    pub(crate) fn move_checkpoint(
        &mut self,
        partition: i32,
        checkpoint: Checkpoint,
        time: Option<OffsetDateTime>,
    ) {
        self.reached.insert(partition, checkpoint);
        self.latest.extend(time.map(|time| (partition, time)));
        self.events += 1;
    }

    /// Fails if an event that follows the version `before` of its aggregate is not the next one.
    pub(crate) fn check(&self, recorded: &Recorded, before: Version) -> Result<(), Discontinuity> {
        let pending = self.pending.get(&recorded.envelope.aggregate_id);
        pending.map_or(Ok(()), |pending| pending.check(recorded, before))
    }

    /// Adds an event that has been checked.
    pub(crate) fn push(&mut self, recorded: Arc<Recorded>, event: E, before: Version) {
        match self.pending.entry(recorded.envelope.aggregate_id.clone()) {
            Entry::Occupied(mut entry) => entry.get_mut().push(recorded, event, before),
            Entry::Vacant(entry) => {
                entry.insert(PendingEvents::begin(recorded, event, before));
            }
        }
    }

    /// Skips an event that the projection does not want.
    pub(crate) fn skip(&mut self, recorded: &Recorded) {
        if let Some(pending) = self.pending.get_mut(&recorded.envelope.aggregate_id) {
            pending.skip(recorded);
        }
    }

    /// Adds an event that is parked.
    pub(crate) fn park(&mut self, event: ParkedEvent) {
        self.parked.push(event);
    }

    /// Parks the events of an aggregate from the one at `index` on. That one gets the reason; the others wait for it.
    pub(crate) fn refuse(&mut self, aggregate: &AggregateId, index: usize, park_reason: ParkReason) {
        let refused = self.set_aside(aggregate, index, Some(park_reason));
        self.refused.extend(refused);
    }

    fn set_aside(
        &mut self,
        aggregate: &AggregateId,
        index: usize,
        park_reason: Option<ParkReason>,
    ) -> Vec<ParkedEvent> {
        let Some(pending) = self.pending.remove(aggregate) else {
            return Vec::new();
        };
        // Only the first event has a reason: it is not yet known whether the later ones can be applied.
        for later in self.parked.iter_mut().filter(|event| event.aggregate == aggregate.as_str()) {
            later.park_reason = None;
        }
        pending.park_from(index, park_reason)
    }

    /// Removes the events of aggregates that were parked when an earlier batch was written.
    pub(crate) fn remove_parked_by(&mut self, earlier: &Self) -> Vec<ParkedEvent> {
        let aggregates = earlier.refused.iter().filter_map(|event| event.record.aggregate_id());
        aggregates.flat_map(|aggregate| self.set_aside(&aggregate, 0, None)).collect()
    }

    /// Removes the events of partitions that this projector no longer owns.
    pub(crate) fn remove_partitions(&mut self, partitions: &[i32]) {
        let others = |event: &ParkedEvent| !partitions.contains(&event.partition());
        self.pending.retain(|_, pending| !partitions.contains(&pending.history().first().position.partition));
        self.parked.retain(others);
        self.refused.retain(others);
        self.reached.retain(|partition, _| !partitions.contains(partition));
        self.events = self.pending.values().map(PendingEvents::len).sum::<usize>() + self.parked().count();
    }

    pub(crate) const fn len(&self) -> usize {
        self.events
    }

    /// The checkpoints after this batch, of the partitions whose records it contains.
    pub(crate) const fn reached(&self) -> &Checkpoints {
        &self.reached
    }

    /// When the last event of a partition was decided.
    pub(crate) fn latest(&self, partition: i32) -> Option<OffsetDateTime> {
        self.latest.get(&partition).copied()
    }

    /// The histories in the order of their aggregates' ids, so that all transactions lock rows in the same order.
    pub(crate) fn histories(&self) -> Vec<&History<E>> {
        self.pending.values().map(PendingEvents::history).collect()
    }

    pub(crate) const fn pending(&self) -> &BTreeMap<AggregateId, PendingEvents<E>> {
        &self.pending
    }

    /// All events that this batch parks.
    pub(crate) fn parked(&self) -> impl Iterator<Item = &ParkedEvent> {
        self.parked.iter().chain(&self.refused)
    }

    /// Events that could not be applied when the batch was written.
    pub(crate) fn refused(&self) -> &[ParkedEvent] {
        &self.refused
    }
}
