use std::collections::{BTreeMap, btree_map::Entry};

use aggregate::AggregateId;
use event_log::{Discontinuity, Recorded};
use time::OffsetDateTime;

use crate::{
    checkpoint::{Checkpoint, Checkpoints},
    history::{Happened, History},
};

/// Events that are applied in one transaction, put together by aggregate, and where the checkpoints then stand.
pub(crate) struct Batch<E> {
    histories: BTreeMap<AggregateId, History<E>>,
    reached: Checkpoints,
    latest: BTreeMap<i32, OffsetDateTime>,
    events: usize,
}

impl<E> Batch<E> {
    pub(crate) const fn new() -> Self {
        Self { histories: BTreeMap::new(), reached: BTreeMap::new(), latest: BTreeMap::new(), events: 0 }
    }

    /// Adds the next event of a partition that stands at `claimed` outside of this batch. After an error the batch
    /// is as it was before.
    pub(crate) fn push(
        &mut self,
        claimed: Checkpoint,
        recorded: &Recorded,
        event: E,
    ) -> Result<(), Discontinuity> {
        let partition = recorded.position.partition;
        let mut checkpoint = self.reached.get(&partition).copied().unwrap_or(claimed);
        checkpoint.continuity.follow(recorded)?;
        checkpoint.next_offset = recorded.position.offset + 1;
        self.add(Happened {
            envelope: recorded.envelope.clone(),
            position: recorded.position.clone(),
            event,
        })?;
        self.reached.insert(partition, checkpoint);
        self.latest.insert(partition, recorded.envelope.time);
        self.events += 1;
        Ok(())
    }

    fn add(&mut self, happened: Happened<E>) -> Result<(), Discontinuity> {
        match self.histories.entry(happened.envelope.aggregate_id.clone()) {
            Entry::Occupied(mut known) => known.get_mut().follow(happened),
            Entry::Vacant(new) => {
                new.insert(History::begin(happened));
                Ok(())
            }
        }
    }

    /// Leaves out partitions that belong to somebody else now.
    pub(crate) fn forget(&mut self, partitions: &[i32]) {
        self.histories.retain(|_, history| !partitions.contains(&history.first().position.partition));
        self.reached.retain(|partition, _| !partitions.contains(partition));
        self.events = self.histories.values().map(|history| history.events().count()).sum();
    }

    pub(crate) const fn len(&self) -> usize {
        self.events
    }

    /// Where the checkpoints stand after this batch, in the partitions that it touches.
    pub(crate) const fn reached(&self) -> &Checkpoints {
        &self.reached
    }

    /// When the last event of a partition was decided.
    pub(crate) fn latest(&self, partition: i32) -> Option<OffsetDateTime> {
        self.latest.get(&partition).copied()
    }

    /// By aggregate, in the order of their ids, so that all transactions lock rows in the same order.
    pub(crate) fn histories(&self) -> Vec<&History<E>> {
        self.histories.values().collect()
    }
}
