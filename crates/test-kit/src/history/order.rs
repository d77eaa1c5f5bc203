//! Invariants of the log alone, whatever the requests were.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{Invariant, LoggedEvent, Violation, aggregates::Aggregate};

/// In every partition, sequence numbers have no gaps and epochs never decrease.
pub(super) fn partitions(log: &[LoggedEvent]) -> Vec<Violation> {
    let mut ends: BTreeMap<i32, (u64, u64)> = BTreeMap::new();
    let mut violations = Vec::new();
    for event in log {
        let (sequence, epoch) = ends.entry(event.partition).or_default();
        if event.sequence != *sequence + 1 || event.epoch < *epoch {
            let description = format!(
                "{}@{}: sequence {} after {sequence}, epoch {} after {epoch}",
                event.partition, event.offset, event.sequence, event.epoch
            );
            violations.push(Violation::new(Invariant::Order, description));
        }
        (*sequence, *epoch) = (event.sequence, event.epoch);
    }
    violations
}

/// An aggregate has versions 1, 2, 3 …, all in one partition.
pub(super) fn versions<S>(aggregate: &Aggregate<'_, S>) -> Vec<Violation> {
    let partition = aggregate.events.first().map(|event| event.partition);
    let misplaced = (1..)
        .zip(&aggregate.events)
        .filter(|(expected, event)| event.version != *expected || Some(event.partition) != partition);
    misplaced
        .map(|(expected, event)| {
            let description = format!(
                "{}: version {} at {}@{} instead of {expected} in partition {partition:?}",
                aggregate.id, event.version, event.partition, event.offset
            );
            Violation::new(Invariant::Order, description)
        })
        .collect()
}

/// Every event is in the log once, and the events of a command are consecutive.
pub(super) fn commands(log: &[LoggedEvent]) -> Vec<Violation> {
    let mut events = BTreeSet::new();
    let mut commands: BTreeSet<(&str, Uuid)> = BTreeSet::new();
    let mut last: BTreeMap<&str, Uuid> = BTreeMap::new();
    let mut violations = Vec::new();
    for event in log {
        let follows = last.insert(&event.aggregate, event.command_id) == Some(event.command_id);
        let is_repeated = !follows && !commands.insert((&event.aggregate, event.command_id));
        if is_repeated || !events.insert(event.event_id) {
            let description = format!(
                "{}: command {} is written again at {}@{}",
                event.aggregate, event.command_id, event.partition, event.offset
            );
            violations.push(Violation::new(Invariant::NoDuplicate, description));
        }
    }
    violations
}
