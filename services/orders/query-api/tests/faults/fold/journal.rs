use orders_domain::Event;
use serde_json::json;
use test_kit::read_history::{Projected, Row};

use super::{Applied, Effect, divide};
use crate::{log::Record, poison, tables::JOURNAL};

/// A row for each event.
pub(crate) fn of(log: &[Record]) -> Projected {
    let (applied, unfit) = divide(log, effect);
    Projected { expected: applied.iter().map(row).collect(), unfit, ..Projected::default() }
}

fn effect(event: &Event) -> Effect {
    match event {
        Event::OrderCancelled(cancelled) if cancelled.reason == poison::REASON => Effect::Refused,
        _ => Effect::Applied,
    }
}

fn row(Applied { seen, logged }: &Applied<'_>) -> Row {
    let header = |name: &str| &seen.headers[name];
    JOURNAL.row(json!({
        "partition": seen.partition, "log_offset": seen.offset,
        "aggregate_id": seen.key, "version": logged.version,
        "event_id": header("ce_id"), "event_type": logged.event_type, "event": logged.content,
        "occurred_at": header("ce_time"), "actor": header("actor"), "command_id": header("command_id"),
        "correlation_id": header("correlation_id"), "causation_id": header("causation_id"),
        "aggregate_kind": header("ce_source").rsplit('/').next(),
    }))
}
