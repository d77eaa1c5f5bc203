use std::collections::{BTreeMap, HashMap};

/// The parked aggregates in the partitions that this projector owns, with the number of their parked events.
#[derive(Debug, Default)]
pub(super) struct ParkedIndex(BTreeMap<i32, Parked>);

#[derive(Debug, Default)]
struct Parked {
    aggregates: HashMap<String, u64>,
    /// The number of records whose key is not an id. No other event waits for them.
    without_id: u64,
}

impl ParkedIndex {
    pub(super) fn add(&mut self, partition: i32, aggregate: &str, events: u64) {
        let Some(parked) = self.0.get_mut(&partition) else {
            return;
        };
        if aggregate.is_empty() {
            parked.without_id += events;
        } else if let Some(count) = parked.aggregates.get_mut(aggregate) {
            *count += events;
        } else {
            parked.aggregates.insert(aggregate.to_owned(), events);
        }
    }

    /// Resets these partitions: nothing is parked in them.
    pub(super) fn reset(&mut self, partitions: &[i32]) {
        self.0.extend(partitions.iter().map(|partition| (*partition, Parked::default())));
    }

    /// Removes partitions that this projector no longer owns. Events that are added to them later are ignored.
    pub(super) fn remove_partitions(&mut self, partitions: &[i32]) {
        self.0.retain(|partition, _| !partitions.contains(partition));
    }

    pub(super) fn contains(&self, partition: i32, aggregate: &str) -> bool {
        self.0.get(&partition).is_some_and(|parked| parked.aggregates.contains_key(aggregate))
    }

    pub(super) fn aggregates(&self) -> usize {
        self.0.values().map(|parked| parked.aggregates.len()).sum()
    }

    pub(super) fn events(&self) -> u64 {
        self.0.values().map(|parked| parked.without_id + parked.aggregates.values().sum::<u64>()).sum()
    }
}
