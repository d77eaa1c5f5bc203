use orders_domain::{Event, events::OrderPlaced};
use query_service::JournalEntry;
use uuid::Uuid;

use crate::document::{Cancellation, Order, Status};

/// Applies an event to an order; `None` if the event cannot occur in that state.
pub(crate) fn fold(before: Option<Order>, entry: &JournalEntry<Event>) -> Option<Order> {
    let order = match (&entry.event, before) {
        (Event::OrderPlaced(event), None) => placed(event, entry)?,
        (Event::DeliveryAddressChanged(event), Some(order)) => {
            Order { delivery_address: event.delivery_address.clone(), ..order }
        }
        (Event::OrderCancelled(event), Some(order)) => {
            let (reason, cancelled_at) = (event.reason.clone(), entry.occurred_at);
            let cancellation = Some(Cancellation { reason, cancelled_at });
            Order { status: Status::Cancelled, cancellation, ..order }
        }
        (Event::OrderPlaced(_), Some(_))
        | (Event::DeliveryAddressChanged(_) | Event::OrderCancelled(_), None) => return None,
    };
    Some(Order { version: entry.version, updated_at: entry.occurred_at, ..order })
}

fn placed(placed: &OrderPlaced, entry: &JournalEntry<Event>) -> Option<Order> {
    Some(Order {
        order_id: Uuid::try_parse(&entry.aggregate_id).ok()?,
        version: entry.version,
        status: Status::Placed,
        customer_id: placed.customer_id.clone(),
        currency: placed.currency.clone(),
        total_minor: placed.total_minor,
        lines: placed.lines.clone(),
        delivery_address: placed.delivery_address.clone(),
        placed_at: entry.occurred_at,
        updated_at: entry.occurred_at,
        cancellation: None,
    })
}

#[cfg(test)]
mod tests;
