use std::collections::{BTreeMap, HashMap};

/// The aggregates that are parked, with the number of their events, in the partitions that this projector owns.
#[derive(Debug, Default)]
pub(super) struct ParkedIndex(BTreeMap<i32, Parked>);

#[derive(Debug, Default)]
struct Parked {
    aggregates: HashMap<String, u64>,
    /// Records whose key is not an id: no other event waits for them.
    nameless: u64,
}

impl ParkedIndex {
    pub(super) fn add(&mut self, partition: i32, aggregate: &str, events: u64) {
        let Some(parked) = self.0.get_mut(&partition) else {
            return;
        };
        if aggregate.is_empty() {
            parked.nameless += events;
        } else if let Some(count) = parked.aggregates.get_mut(aggregate) {
            *count += events;
        } else {
            parked.aggregates.insert(aggregate.to_owned(), events);
        }
    }

    /// Starts with nothing parked in these partitions.
    pub(super) fn begin(&mut self, partitions: &[i32]) {
        self.0.extend(partitions.iter().map(|partition| (*partition, Parked::default())));
    }

    /// Forgets partitions that this projector no longer owns; what is added to them later is ignored.
    pub(super) fn forget(&mut self, partitions: &[i32]) {
        self.0.retain(|partition, _| !partitions.contains(partition));
    }

    pub(super) fn contains(&self, partition: i32, aggregate: &str) -> bool {
        self.0.get(&partition).is_some_and(|parked| parked.aggregates.contains_key(aggregate))
    }

    pub(super) fn aggregates(&self) -> usize {
        self.0.values().map(|parked| parked.aggregates.len()).sum()
    }

    pub(super) fn events(&self) -> u64 {
        self.0.values().map(|parked| parked.nameless + parked.aggregates.values().sum::<u64>()).sum()
    }
}
