//! The decisions: every state against every command.

use crate::{
    ChangeDeliveryAddress, Command, Event, PlaceOrder, Refusal, State,
    events::{DeliveryAddressChanged, OrderCancelled, OrderPlaced},
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
            Ok(vec![Event::OrderCancelled(OrderCancelled { reason: cancel.reason.into() })])
        }
        (State::Cancelled, Command::ChangeDeliveryAddress(_) | Command::CancelOrder(_)) => {
            Err(Refusal::OrderAlreadyCancelled {})
        }
    }
}

fn place(order: PlaceOrder) -> Event {
    let total = order.lines.total();
    Event::OrderPlaced(OrderPlaced {
        customer_id: order.customer_id.into(),
        currency: total.currency().as_str().to_owned(),
        lines: order.lines.into_iter().map(Into::into).collect(),
        total_minor: total.amount_minor(),
        delivery_address: order.delivery_address.into(),
    })
}

/// A change to the address that is known already is satisfied: nothing happens.
fn change_delivery_address(known: AddressFingerprint, change: ChangeDeliveryAddress) -> Vec<Event> {
    let delivery_address = change.delivery_address.into();
    if AddressFingerprint::from(&delivery_address) == known {
        vec![]
    } else {
        vec![Event::DeliveryAddressChanged(DeliveryAddressChanged { delivery_address })]
    }
}
