use orders_domain::Event;
use test_kit::read_history::{LoggedRecord, Model, Step};

use super::{Applied, Effect, divide};
use crate::{log::Record, model, poison};

/// Each order as folded from the log, event by event, and the records that must be parked.
pub(crate) fn of(log: &[Record]) -> (Vec<Step>, Vec<LoggedRecord>) {
    let (applied, unfit) = divide(log, effect);
    let mut orders = Model::new();
    let step = |Applied { seen, logged }: &Applied<'_>| {
        let order = orders.entry(seen.key.clone()).or_default();
        model::apply(order, logged.version, logged.at, logged.event.clone());
        let (partition, offset, aggregate) = (seen.partition, seen.offset, seen.key.clone());
        Step { partition, offset, aggregate, version: logged.version, content: order.clone() }
    };
    (applied.iter().map(step).collect(), unfit)
}

fn effect(event: &Event) -> Effect {
    match event {
        Event::OrderPlaced(placed) if placed.customer_id == poison::CUSTOMER => Effect::Refused,
        Event::OrderCancelled(cancelled) if cancelled.reason == poison::REASON => Effect::Refused,
        _ => Effect::Applied,
    }
}
