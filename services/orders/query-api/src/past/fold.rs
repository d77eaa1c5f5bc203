use aggregate::Aggregate;
use orders_domain::{
    Event, State,
    events::{self, OrderPlaced},
};
use uuid::Uuid;

use super::{Entry, Untold};
use crate::document::{Cancellation, DeliveryAddress, Order, OrderLine, Status};

/// The order that these events lead to, at least one and every one from the first.
///
/// The rules fold them beside, and theirs is the status: so it is the one by which commands were decided.
pub(super) fn fold(order_id: Uuid, entries: &[Entry]) -> Result<Order, Untold> {
    let (mut state, mut order) = (State::default(), None);
    for (expected, entry) in (1..).zip(entries) {
        if entry.version != expected {
            return Err(Untold::Missing(expected));
        }
        state = orders_domain::Order::evolve(state, &entry.event);
        order = Some(after(order_id, order, state, entry).ok_or(Untold::OutOfPlace(expected))?);
    }
    order.ok_or(Untold::OrderNotFound)
}

/// The order after an event; `None` where this event cannot come now.
fn after(order_id: Uuid, before: Option<Order>, state: State, entry: &Entry) -> Option<Order> {
    let order = match (&entry.event, before) {
        (Event::OrderPlaced(placed), None) => self::placed(order_id, placed, entry),
        (Event::DeliveryAddressChanged(changed), Some(order)) => {
            Order { delivery_address: (&changed.delivery_address).into(), ..order }
        }
        (Event::OrderCancelled(cancelled), Some(order)) => {
            let (reason, cancelled_at) = (cancelled.reason.clone(), entry.occurred_at);
            Order { cancellation: Some(Cancellation { reason, cancelled_at }), ..order }
        }
        (Event::OrderPlaced(_), Some(_))
        | (Event::DeliveryAddressChanged(_) | Event::OrderCancelled(_), None) => return None,
    };
    Some(Order { version: entry.version, status: Status::of(state)?, updated_at: entry.occurred_at, ..order })
}

fn placed(order_id: Uuid, placed: &OrderPlaced, entry: &Entry) -> Order {
    Order {
        order_id,
        version: entry.version,
        status: Status::Placed,
        customer_id: placed.customer_id.clone(),
        currency: placed.currency.clone(),
        total_minor: placed.total_minor,
        lines: placed.lines.iter().map(OrderLine::from).collect(),
        delivery_address: (&placed.delivery_address).into(),
        placed_at: entry.occurred_at,
        updated_at: entry.occurred_at,
        cancellation: None,
    }
}

impl Status {
    /// What the rules know of an order; `None` where it is not placed.
    const fn of(state: State) -> Option<Self> {
        match state {
            State::NotPlaced => None,
            State::Placed { .. } => Some(Self::Placed),
            State::Cancelled => Some(Self::Cancelled),
        }
    }
}

impl From<&events::OrderLine> for OrderLine {
    fn from(line: &events::OrderLine) -> Self {
        let events::OrderLine { sku, quantity, unit_price_minor } = line;
        Self { sku: sku.clone(), quantity: *quantity, unit_price_minor: *unit_price_minor }
    }
}

impl From<&events::DeliveryAddress> for DeliveryAddress {
    fn from(address: &events::DeliveryAddress) -> Self {
        let events::DeliveryAddress { name, street, postal_code, city, country } = address.clone();
        Self { name, street, postal_code, city, country }
    }
}
