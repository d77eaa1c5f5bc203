//! The log by itself: what it must be like whatever anybody asked.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{Invariant, LoggedEvent, Violation, aggregates::Aggregate};

/// Sequence numbers without a gap and epochs that never go down, in every partition.
pub(super) fn partitions(log: &[LoggedEvent]) -> Vec<Violation> {
    let mut ends: BTreeMap<i32, (u64, u64)> = BTreeMap::new();
    let mut breaches = Vec::new();
    for event in log {
        let (sequence, epoch) = ends.entry(event.partition).or_default();
        if event.sequence != *sequence + 1 || event.epoch < *epoch {
            let what = format!(
                "{}@{}: sequence {} after {sequence}, epoch {} after {epoch}",
                event.partition, event.offset, event.sequence, event.epoch
            );
            breaches.push(Violation::new(Invariant::Order, what));
        }
        (*sequence, *epoch) = (event.sequence, event.epoch);
    }
    breaches
}

/// Versions 1, 2, 3 … of an aggregate, in one partition.
pub(super) fn versions<S>(aggregate: &Aggregate<'_, S>) -> Vec<Violation> {
    let home = aggregate.events.first().map(|event| event.partition);
    let misplaced = (1..)
        .zip(&aggregate.events)
        .filter(|(expected, event)| event.version != *expected || Some(event.partition) != home);
    misplaced
        .map(|(expected, event)| {
            let what = format!(
                "{}: version {} at {}@{} where {expected} must follow, all in partition {home:?}",
                aggregate.id, event.version, event.partition, event.offset
            );
            Violation::new(Invariant::Order, what)
        })
        .collect()
}

/// Every event is there once, and the events of a command stand side by side.
pub(super) fn commands(log: &[LoggedEvent]) -> Vec<Violation> {
    let mut events = BTreeSet::new();
    let mut commands: BTreeSet<(&str, Uuid)> = BTreeSet::new();
    let mut last: BTreeMap<&str, Uuid> = BTreeMap::new();
    let mut breaches = Vec::new();
    for event in log {
        let follows = last.insert(&event.aggregate, event.command_id) == Some(event.command_id);
        let again = !follows && !commands.insert((&event.aggregate, event.command_id));
        if again || !events.insert(event.event_id) {
            let what = format!(
                "{}: command {} is written again at {}@{}",
                event.aggregate, event.command_id, event.partition, event.offset
            );
            breaches.push(Violation::new(Invariant::NoDuplicate, what));
        }
    }
    breaches
}
