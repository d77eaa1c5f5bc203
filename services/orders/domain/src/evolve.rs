//! What an event makes of an order. Each event says all that the rules need, whatever was before it.

use crate::{
    Event, State,
    events::{DeliveryAddress, DeliveryAddressChanged, OrderPlaced},
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
