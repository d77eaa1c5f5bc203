//! One order of two lines, and what can be asked of it.

use aggregate::Aggregate;

use crate::{
    Command, Event, Order, State,
    events::{DeliveryAddress, DeliveryAddressChanged, OrderCancelled, OrderLine, OrderPlaced},
    unchecked,
};

pub(super) fn order() -> unchecked::PlaceOrder {
    unchecked::PlaceOrder {
        customer_id: "c-1001".to_owned(),
        currency: "EUR".to_owned(),
        lines: vec![line("tea-500g", 2, 1290), line("cup", 1, 0)],
        delivery_address: address_in("Weimar"),
    }
}

pub(super) fn line(sku: &str, quantity: i64, unit_price_minor: i64) -> unchecked::OrderLine {
    unchecked::OrderLine { sku: sku.to_owned(), quantity, unit_price_minor, currency: None }
}

pub(super) fn order_of(lines: Vec<unchecked::OrderLine>) -> unchecked::PlaceOrder {
    unchecked::PlaceOrder { lines, ..order() }
}

pub(super) fn address_in(city: &str) -> unchecked::DeliveryAddress {
    unchecked::DeliveryAddress {
        name: "Zoë Groß".to_owned(),
        street: "Am Markt 1".to_owned(),
        postal_code: "99423".to_owned(),
        city: city.to_owned(),
        country: "DE".to_owned(),
    }
}

pub(super) fn place(order: unchecked::PlaceOrder) -> Command {
    Command::PlaceOrder(order.try_into().unwrap())
}

/// The event that follows, unless the order is refused.
pub(super) fn placed(order: unchecked::PlaceOrder) -> Option<Event> {
    let command = Command::PlaceOrder(order.try_into().ok()?);
    Order::decide(&State::NotPlaced, command).unwrap().pop()
}

pub(super) fn change_address(address: unchecked::DeliveryAddress) -> Command {
    Command::ChangeDeliveryAddress(address.try_into().unwrap())
}

pub(super) fn cancel() -> Command {
    Command::CancelOrder("changed my mind".to_owned().try_into().unwrap())
}

pub(super) fn order_placed() -> Event {
    let lines = [("tea-500g", 2, 1290), ("cup", 1, 0)];
    Event::OrderPlaced(OrderPlaced {
        customer_id: "c-1001".to_owned(),
        currency: "EUR".to_owned(),
        lines: lines.map(|(sku, quantity, price)| placed_line(sku, quantity, price)).into(),
        total_minor: 2580,
        delivery_address: known(&address_in("Weimar")),
    })
}

pub(super) fn address_changed(city: &str) -> Event {
    changed_to(&address_in(city))
}

pub(super) fn changed_to(address: &unchecked::DeliveryAddress) -> Event {
    Event::DeliveryAddressChanged(DeliveryAddressChanged { delivery_address: known(address) })
}

pub(super) fn cancelled() -> Event {
    Event::OrderCancelled(OrderCancelled { reason: "changed my mind".to_owned() })
}

fn placed_line(sku: &str, quantity: i32, unit_price_minor: i64) -> OrderLine {
    OrderLine { sku: sku.to_owned(), quantity, unit_price_minor }
}

fn known(address: &unchecked::DeliveryAddress) -> DeliveryAddress {
    let unchecked::DeliveryAddress { name, street, postal_code, city, country } = address.clone();
    DeliveryAddress { name, street, postal_code, city, country }
}
