//! How each event changes the state. Each event contains everything that the rules need, so it replaces the state.

use crate::{
    DeliveryAddress, Event, State,
    events::{DeliveryAddressChanged, OrderPlaced},
};

pub(crate) fn evolve(event: &Event) -> State {
    match event {
        Event::OrderPlaced(OrderPlaced { delivery_address, .. })
        | Event::DeliveryAddressChanged(DeliveryAddressChanged { delivery_address }) => {
            placed(delivery_address)
        }
        Event::OrderCancelled(_) => State::Cancelled,
    }
}

fn placed(delivery_address: &DeliveryAddress) -> State {
    State::Placed { delivery_address: delivery_address.into() }
}
