//! The decisions: the events or the refusal of each command in each state.

use crate::{
    ChangeDeliveryAddress, Command, Event, PlaceOrder, Refusal, State, commands,
    events::{DeliveryAddressChanged, OrderCancelled, OrderLine, OrderPlaced},
    state::AddressFingerprint,
};

pub(crate) fn decide(state: &State, command: Command) -> Result<Vec<Event>, Refusal> {
    match (state, command) {
        (State::NotPlaced, Command::PlaceOrder(order)) => Ok(vec![place(order)]),
        (State::NotPlaced, Command::ChangeDeliveryAddress(_) | Command::CancelOrder(_)) => {
            Err(Refusal::OrderNotFound {})
        }
        (State::Placed { .. } | State::Cancelled, Command::PlaceOrder(_)) => {
            Err(Refusal::OrderAlreadyPlaced {})
        }
        (State::Placed { delivery_address }, Command::ChangeDeliveryAddress(change)) => {
            Ok(change_delivery_address(*delivery_address, change))
        }
        (State::Placed { .. }, Command::CancelOrder(cancel)) => {
            Ok(vec![Event::OrderCancelled(OrderCancelled { reason: cancel.reason })])
        }
        (State::Cancelled, Command::ChangeDeliveryAddress(_) | Command::CancelOrder(_)) => {
            Err(Refusal::OrderAlreadyCancelled {})
        }
    }
}

fn place(order: PlaceOrder) -> Event {
    let total = PlaceOrder::total_minor(&order.lines);
    Event::OrderPlaced(OrderPlaced {
        customer_id: order.customer_id,
        currency: order.currency,
        lines: order.lines.into_iter().map(placed_line).collect(),
        total_minor: total.try_into().expect("the total of a valid order is below 2⁵³"),
        delivery_address: order.delivery_address,
    })
}

fn placed_line(line: commands::OrderLine) -> OrderLine {
    let quantity = line.quantity.try_into().expect("the quantity of a valid line is at most 999");
    OrderLine { sku: line.sku, quantity, unit_price_minor: line.unit_price_minor }
}

/// A change to the current address has no effect.
fn change_delivery_address(current: AddressFingerprint, change: ChangeDeliveryAddress) -> Vec<Event> {
    let delivery_address = change.delivery_address;
    if AddressFingerprint::from(&delivery_address) == current {
        vec![]
    } else {
        vec![Event::DeliveryAddressChanged(DeliveryAddressChanged { delivery_address })]
    }
}
