//! The log as folded by each projection, computed independently: one event at a time, without batches or SQL.

pub(crate) mod customer_totals;
pub(crate) mod journal;
pub(crate) mod orders;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use orders_domain::Event;
use test_kit::{
    SeenEvent,
    read_history::{LoggedRecord, Projected},
};

use crate::log::{Logged, Record};

/// What a projection does with an event, unless an earlier event of the order is parked.
enum Fate {
    Applied,
    /// The tables refuse it; see [`poison::refuse`](crate::poison::refuse).
    Refused,
    /// The projection ignores it.
    PassedOver,
}

/// An applied event.
struct Applied<'l> {
    seen: &'l SeenEvent,
    logged: &'l Logged,
}

/// The projections that no session queries.
pub(crate) fn projections(log: &[Record]) -> BTreeMap<String, Projected> {
    let projections = [("journal", journal::of(log)), ("customer_totals", customer_totals::of(log))];
    projections.map(|(name, projected)| (name.to_owned(), projected)).into()
}

/// The events that a projection applies and the records that it parks: those that cannot be applied, and all later ones
/// with the same key, if there is a key. No events are dropped during a run.
fn divide(log: &[Record], fate: fn(&Event) -> Fate) -> (Vec<Applied<'_>>, Vec<LoggedRecord>) {
    let (mut applied, mut unfit, mut parked) = (Vec::new(), Vec::new(), BTreeSet::new());
    for Record { seen, logged } in log {
        match logged.as_ref().map(|logged| (logged, fate(&logged.event))) {
            Some((_, Fate::PassedOver)) => {}
            Some((logged, Fate::Applied)) if !parked.contains(&seen.key) => {
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

fn record(seen: &SeenEvent) -> LoggedRecord {
    let SeenEvent { partition, offset, key, payload, .. } = seen.clone();
    LoggedRecord { partition, offset, aggregate: key, payload }
}
