//! An order of two lines, with commands and events.

use aggregate::Aggregate;
use garde::Validate;

use crate::{
    CancelOrder, ChangeDeliveryAddress, Command, DeliveryAddress, Event, Order, PlaceOrder, State, commands,
    events::{DeliveryAddressChanged, OrderCancelled, OrderLine, OrderPlaced},
};

pub(super) fn order() -> PlaceOrder {
    PlaceOrder {
        order_id: None,
        customer_id: "c-1001".to_owned(),
        currency: "EUR".to_owned(),
        lines: vec![line("tea-500g", 2, 1290), line("cup", 1, 0)],
        delivery_address: address_in("Weimar"),
    }
}

pub(super) fn line(sku: &str, quantity: i64, unit_price_minor: i64) -> commands::OrderLine {
    commands::OrderLine { sku: sku.to_owned(), quantity, unit_price_minor, currency: None }
}

pub(super) fn order_of(lines: Vec<commands::OrderLine>) -> PlaceOrder {
    PlaceOrder { lines, ..order() }
}

pub(super) fn address_in(city: &str) -> DeliveryAddress {
    DeliveryAddress {
        name: "Zoë Groß".to_owned(),
        street: "Am Markt 1".to_owned(),
        postal_code: "99423".to_owned(),
        city: city.to_owned(),
        country: "DE".to_owned(),
    }
}

pub(super) fn place(order: PlaceOrder) -> Command {
    Command::PlaceOrder(order)
}

/// The event that results from placing an order; `None` if the order is invalid.
pub(super) fn placed(order: PlaceOrder) -> Option<Event> {
    order.validate().ok()?;
    Order::decide(&State::NotPlaced, place(order)).unwrap().pop()
}

pub(super) fn change_address(delivery_address: DeliveryAddress) -> Command {
    Command::ChangeDeliveryAddress(ChangeDeliveryAddress { delivery_address })
}

pub(super) fn cancel() -> Command {
    Command::CancelOrder(CancelOrder { reason: "changed my mind".to_owned() })
}

pub(super) fn order_placed() -> Event {
    let lines = [("tea-500g", 2, 1290), ("cup", 1, 0)];
    Event::OrderPlaced(OrderPlaced {
        customer_id: "c-1001".to_owned(),
        currency: "EUR".to_owned(),
        lines: lines.map(|(sku, quantity, price)| placed_line(sku, quantity, price)).into(),
        total_minor: 2580,
        delivery_address: address_in("Weimar"),
    })
}

pub(super) fn address_changed(city: &str) -> Event {
    changed_to(address_in(city))
}

pub(super) fn changed_to(delivery_address: DeliveryAddress) -> Event {
    Event::DeliveryAddressChanged(DeliveryAddressChanged { delivery_address })
}

pub(super) fn cancelled() -> Event {
    Event::OrderCancelled(OrderCancelled { reason: "changed my mind".to_owned() })
}

fn placed_line(sku: &str, quantity: i32, unit_price_minor: i64) -> OrderLine {
    OrderLine { sku: sku.to_owned(), quantity, unit_price_minor }
}
