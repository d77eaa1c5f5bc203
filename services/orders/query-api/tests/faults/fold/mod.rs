//! The fold of the log for each projection, computed independently: one event at a time, without batches or SQL.

pub(crate) mod customer_totals;
pub(crate) mod journal;
pub(crate) mod orders;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use orders_domain::Event;
use test_kit::{
    ConsumedRecord,
    read_history::{LoggedRecord, Projected},
};

use crate::log::{Logged, Record};

/// The effect of an event on a projection, unless an earlier event of the order is parked.
enum Effect {
    Applied,
    /// The tables refuse it; see [`poison::refuse`](crate::poison::refuse).
    Refused,
    /// The projection ignores it.
    Ignored,
}

/// An applied event.
struct Applied<'l> {
    seen: &'l ConsumedRecord,
    logged: &'l Logged,
}

/// The projections that no session queries.
pub(crate) fn projections(log: &[Record]) -> BTreeMap<String, Projected> {
    let projections = [("journal", journal::of(log)), ("customer_totals", customer_totals::of(log))];
    projections.map(|(name, projected)| (name.to_owned(), projected)).into()
}

/// The events that a projection applies and the records that it parks: those that cannot be applied, and all later ones
/// with the same key, if there is a key. No events are dropped during a run.
fn divide(log: &[Record], effect: fn(&Event) -> Effect) -> (Vec<Applied<'_>>, Vec<LoggedRecord>) {
    let (mut applied, mut unfit, mut parked) = (Vec::new(), Vec::new(), BTreeSet::new());
    for Record { seen, logged } in log {
        match logged.as_ref().map(|logged| (logged, effect(&logged.event))) {
            Some((_, Effect::Ignored)) => {}
            Some((logged, Effect::Applied)) if !parked.contains(&seen.key) => {
                applied.push(Applied { seen, logged });
            }
            _ => {
                if !seen.key.is_empty() {
                    parked.insert(&seen.key);
                }
                unfit.push(record(seen));
            }
        }
    }
    (applied, unfit)
}

fn record(seen: &ConsumedRecord) -> LoggedRecord {
    let ConsumedRecord { partition, offset, key, payload, .. } = seen.clone();
    LoggedRecord { partition, offset, aggregate: key, payload }
}
