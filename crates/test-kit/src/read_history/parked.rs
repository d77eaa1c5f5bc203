//! No event is skipped: an event that cannot be applied is parked together with all later events of its aggregate, and
//! no other event is parked.

use std::collections::{BTreeMap, BTreeSet};

use super::{Invariant, LoggedRecord, ParkedRecord, Violation};

/// The table of parked records holds exactly the `unfit` records, unchanged.
pub(super) fn nothing_skipped(unfit: &[LoggedRecord], table: &[ParkedRecord]) -> Vec<Violation> {
    let parked: BTreeMap<_, _> = table.iter().map(|parked| (location(&parked.record), parked)).collect();
    let unfit: BTreeMap<_, _> = unfit.iter().map(|record| (location(record), record)).collect();
    let lost = unfit.iter().filter(|(location, _)| !parked.contains_key(location));
    let unnecessary = parked.iter().filter(|(location, _)| !unfit.contains_key(location));
    let changed = parked.values().filter(|parked| {
        unfit.get(&location(&parked.record)).is_some_and(|record| **record != parked.record)
    });
    let skipped = |description: String| Violation::new(Invariant::NothingSkipped, description);
    lost.map(|(_, record)| skipped(format!("neither applied nor parked: {}", name(record))))
        .chain(
            unnecessary.map(|(_, parked)| {
                skipped(format!("parked although it can be applied: {}", describe(parked)))
            }),
        )
        .chain(changed.map(|parked| skipped(format!("parked with changes: {}", describe(parked)))))
        .chain(
            unexplained(table)
                .map(|parked| skipped(format!("parked without a reason: {}", describe(parked)))),
        )
        .chain(out_of_order(table).map(|parked| skipped(format!("out of order: {}", describe(parked)))))
        .collect()
}

/// The first parked records of aggregates that have no reason. Later ones need none, because they wait for the first.
fn unexplained(parked: &[ParkedRecord]) -> impl Iterator<Item = &ParkedRecord> {
    let mut seen = BTreeSet::new();
    parked.iter().filter(move |parked| {
        let has_reason = parked.reason.as_ref().is_some_and(|reason| !reason.is_empty());
        seen.insert(&parked.record.aggregate) && !has_reason
    })
}

/// Records that do not come after the previous record of their aggregate.
fn out_of_order(parked: &[ParkedRecord]) -> impl Iterator<Item = &ParkedRecord> {
    let mut last = BTreeMap::<&str, (i32, i64)>::new();
    parked.iter().filter(move |parked| {
        let location = location(&parked.record);
        last.insert(&parked.record.aggregate, location).is_some_and(|before| before >= location)
    })
}

const fn location(record: &LoggedRecord) -> (i32, i64) {
    (record.partition, record.offset)
}

fn name(record: &LoggedRecord) -> String {
    format!("{} at {}@{}", record.aggregate, record.partition, record.offset)
}

fn describe(parked: &ParkedRecord) -> String {
    format!("{} because {:?}", name(&parked.record), parked.reason)
}
