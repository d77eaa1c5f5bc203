use aggregate::{Version, fold as fold_rules};
use orders_domain::{
    AddressFingerprint, State,
    events::{DeliveryAddress, DeliveryAddressChanged, OrderCancelled, OrderLine},
};
use proptest::{collection::vec, prelude::*};
use time::{Duration, OffsetDateTime, macros::datetime};

use super::{Event, JournalEntry, Order, OrderPlaced, Status, Uuid, fold};

const PLACED_AT: OffsetDateTime = datetime!(2026-11-20 10:00 UTC);

fn address(city: &str) -> DeliveryAddress {
    DeliveryAddress {
        name: "Ada Lovelace".to_owned(),
        street: "12 Example Street".to_owned(),
        postal_code: "10115".to_owned(),
        city: city.to_owned(),
        country: "DE".to_owned(),
    }
}

fn placed() -> Event {
    let line = OrderLine { sku: "tea-500g".to_owned(), quantity: 2, unit_price_minor: 1290 };
    Event::OrderPlaced(OrderPlaced {
        customer_id: "c-1001".to_owned(),
        currency: "EUR".to_owned(),
        lines: vec![line],
        total_minor: 2580,
        delivery_address: address("Berlin"),
    })
}

fn moved(city: &str) -> Event {
    Event::DeliveryAddressChanged(DeliveryAddressChanged { delivery_address: address(city) })
}

fn cancelled() -> Event {
    Event::OrderCancelled(OrderCancelled { reason: "ordered twice".to_owned() })
}

/// The document after these events, with a minute between one and the next.
fn order(events: &[Event]) -> Option<Order> {
    let entries = (1..).zip(events).map(|(version, event)| JournalEntry {
        aggregate_id: Uuid::from_u128(7).to_string(),
        version: Version(version),
        occurred_at: time_of(version),
        event: event.clone(),
    });
    entries.fold(None, |order, entry| fold(order, &entry))
}

fn time_of(version: u64) -> OffsetDateTime {
    PLACED_AT + Duration::minutes(version.cast_signed() - 1)
}

/// Placed, moved some times, and perhaps cancelled.
fn lives() -> impl Strategy<Value = Vec<Event>> {
    (vec("[A-C]", 0..8), any::<bool>()).prop_map(|(cities, is_cancelled)| {
        let moves = cities.iter().map(|city| moved(city));
        [placed()].into_iter().chain(moves).chain(is_cancelled.then(cancelled)).collect()
    })
}

proptest! {
    #[test]
    fn at_every_version_the_document_agrees_with_the_rules(life in lives()) {
        for (version, length) in (1..).zip(1..=life.len()) {
            let order = order(&life[..length]).unwrap();
            prop_assert_eq!((order.version, order.updated_at), (Version(version), time_of(version)));
            prop_assert_eq!((order.placed_at, order.total_minor), (PLACED_AT, 2580));
            prop_assert_eq!(order.cancellation.is_some(), order.status == Status::Cancelled);
            let delivery_address = AddressFingerprint::from(&order.delivery_address);
            prop_assert_eq!(fold_rules::<orders_domain::Order>(&life[..length]), match order.status {
                Status::Placed => State::Placed { delivery_address },
                Status::Cancelled => State::Cancelled,
            });
        }
    }
}

#[test]
fn events_that_cannot_follow_each_other_make_no_order() {
    assert_eq!(order(&[cancelled()]), None);
    assert_eq!(order(&[placed(), placed()]), None);
}
