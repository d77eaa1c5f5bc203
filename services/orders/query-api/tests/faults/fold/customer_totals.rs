use std::collections::BTreeMap;

use orders_domain::{Event, events::OrderPlaced};
use serde_json::json;
use test_kit::read_history::{Projected, Row};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{Applied, Effect, divide};
use crate::{
    log::Record,
    poison,
    tables::{CUSTOMER_OPEN_ORDERS, CUSTOMER_TOTALS},
};

/// The totals of each customer by currency, and the orders that can still be cancelled.
pub(crate) fn of(log: &[Record]) -> Projected {
    let (applied, unfit) = divide(log, effect);
    let (mut orders, mut totals) = (BTreeMap::new(), BTreeMap::<_, Totals>::new());
    for Applied { seen, logged } in applied {
        match &logged.event {
            Event::OrderPlaced(order) => {
                totals
                    .entry(customer(order))
                    .or_insert_with(|| Totals::new(logged.at))
                    .place(order, logged.at);
                orders.insert(&seen.key, (order, logged.at));
            }
            Event::DeliveryAddressChanged(_) => {}
            Event::OrderCancelled(_) => {
                let (order, _) = orders.remove(&seen.key).unwrap();
                totals.get_mut(&customer(order)).unwrap().cancel(order);
            }
        }
    }
    let open = orders.into_iter().map(|(order_id, (order, at))| open_order(order_id, order, at));
    let totals = totals.iter().map(|(customer, totals)| totals.row(*customer));
    Projected { expected: totals.chain(open).collect(), unfit, ..Projected::default() }
}

fn effect(event: &Event) -> Effect {
    match event {
        Event::OrderPlaced(placed) if placed.customer_id == poison::CUSTOMER => Effect::Refused,
        Event::DeliveryAddressChanged(_) => Effect::Ignored,
        _ => Effect::Applied,
    }
}

fn customer(order: &OrderPlaced) -> (&str, &str) {
    (&order.customer_id, &order.currency)
}

fn open_order(order_id: &str, order: &OrderPlaced, placed_at: OffsetDateTime) -> Row {
    CUSTOMER_OPEN_ORDERS.row(json!({
        "order_id": order_id, "customer_id": order.customer_id, "currency": order.currency,
        "total_minor": order.total_minor, "placed_at": rfc3339(placed_at),
    }))
}

/// The totals of a customer in one currency.
struct Totals {
    placed: (u64, i64),
    cancelled: (u64, i64),
    first: OffsetDateTime,
    last: OffsetDateTime,
}

impl Totals {
    const fn new(at: OffsetDateTime) -> Self {
        Self { placed: (0, 0), cancelled: (0, 0), first: at, last: at }
    }

    /// Partitions are read one after another, so the times are not in order.
    fn place(&mut self, order: &OrderPlaced, at: OffsetDateTime) {
        self.placed = (self.placed.0 + 1, self.placed.1 + order.total_minor);
        (self.first, self.last) = (self.first.min(at), self.last.max(at));
    }

    const fn cancel(&mut self, order: &OrderPlaced) {
        self.cancelled = (self.cancelled.0 + 1, self.cancelled.1 + order.total_minor);
    }

    fn row(&self, (customer_id, currency): (&str, &str)) -> Row {
        CUSTOMER_TOTALS.row(json!({
            "customer_id": customer_id, "currency": currency,
            "orders_placed": self.placed.0, "placed_minor": self.placed.1,
            "orders_cancelled": self.cancelled.0, "cancelled_minor": self.cancelled.1,
            "first_order_at": rfc3339(self.first), "last_order_at": rfc3339(self.last),
        }))
    }
}

fn rfc3339(time: OffsetDateTime) -> String {
    time.format(&Rfc3339).unwrap()
}
