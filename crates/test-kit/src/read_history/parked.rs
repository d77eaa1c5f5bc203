//! Nothing is skipped: an event that cannot be applied is parked, with all later events of its aggregate, and nothing
//! else is.

use std::collections::{BTreeMap, BTreeSet};

use super::{LoggedRecord, ParkedRecord, Promise, Violation};

/// The table of parked records holds exactly the `unfit` records, unchanged.
pub(super) fn nothing_skipped(unfit: &[LoggedRecord], table: &[ParkedRecord]) -> Vec<Violation> {
    let parked: BTreeMap<_, _> = table.iter().map(|parked| (place(&parked.record), parked)).collect();
    let unfit: BTreeMap<_, _> = unfit.iter().map(|record| (place(record), record)).collect();
    let lost = unfit.iter().filter(|(place, _)| !parked.contains_key(place));
    let needless = parked.iter().filter(|(place, _)| !unfit.contains_key(place));
    let changed = parked
        .values()
        .filter(|parked| unfit.get(&place(&parked.record)).is_some_and(|record| **record != parked.record));
    let skipped = |what: String| Violation::new(Promise::NothingSkipped, what);
    lost.map(|(_, record)| skipped(format!("neither applied nor parked: {}", name(record))))
        .chain(needless.map(|(_, parked)| skipped(format!("parked needlessly: {}", describe(parked)))))
        .chain(changed.map(|parked| skipped(format!("parked with changes: {}", describe(parked)))))
        .chain(
            unexplained(table)
                .map(|parked| skipped(format!("parked without a reason: {}", describe(parked)))),
        )
        .chain(out_of_order(table).map(|parked| skipped(format!("out of order: {}", describe(parked)))))
        .collect()
}

/// First records of an aggregate without a reason. Later ones need none: they wait for the first.
fn unexplained(parked: &[ParkedRecord]) -> impl Iterator<Item = &ParkedRecord> {
    let mut seen = BTreeSet::new();
    parked.iter().filter(move |parked| {
        let is_given = parked.reason.as_ref().is_some_and(|reason| !reason.is_empty());
        seen.insert(&parked.record.aggregate) && !is_given
    })
}

/// Records that do not come after the previous record of their aggregate.
fn out_of_order(parked: &[ParkedRecord]) -> impl Iterator<Item = &ParkedRecord> {
    let mut reached = BTreeMap::<&str, (i32, i64)>::new();
    parked.iter().filter(move |parked| {
        let place = place(&parked.record);
        reached.insert(&parked.record.aggregate, place).is_some_and(|before| before >= place)
    })
}

const fn place(record: &LoggedRecord) -> (i32, i64) {
    (record.partition, record.offset)
}

fn name(record: &LoggedRecord) -> String {
    format!("{} at {}@{}", record.aggregate, record.partition, record.offset)
}

fn describe(parked: &ParkedRecord) -> String {
    format!("{} because {:?}", name(&parked.record), parked.reason)
}
