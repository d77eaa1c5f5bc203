use aggregate::fold;
use orders_domain::{
    AddressFingerprint, State,
    events::{self, DeliveryAddressChanged, OrderCancelled, OrderPlaced},
};
use proptest::{collection::vec, prelude::*};
use time::Duration;

use super::{Entry, Event, EventHistory, OffsetDateTime, Order, PointInTime, Untold, Uuid};
use crate::document::Status;

const ORDER_ID: Uuid = Uuid::from_u128(7);
const PLACED_AT: OffsetDateTime = time::macros::datetime!(2026-11-20 10:00 UTC);

fn address(city: &str) -> events::DeliveryAddress {
    events::DeliveryAddress {
        name: "Ada Lovelace".to_owned(),
        street: "12 Example Street".to_owned(),
        postal_code: "10115".to_owned(),
        city: city.to_owned(),
        country: "DE".to_owned(),
    }
}

fn placed() -> Event {
    let line = events::OrderLine { sku: "tea-500g".to_owned(), quantity: 2, unit_price_minor: 1290 };
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

/// A minute between one event and the next.
fn journal(events: impl IntoIterator<Item = Event>) -> Vec<Entry> {
    let numbered = (1..).zip(events);
    numbered.map(|(version, event)| Entry { version, occurred_at: time_of(version), event }).collect()
}

fn time_of(version: i64) -> OffsetDateTime {
    PLACED_AT + Duration::minutes(version - 1)
}

fn version(version: i64) -> PointInTime {
    PointInTime::Version(version.to_string().try_into().unwrap())
}

fn as_of(time: &str) -> PointInTime {
    PointInTime::AsOf(time.to_owned().try_into().unwrap())
}

/// What the journal answers when it is asked for what was up to this version.
fn past(journal: &[Entry], up_to: i64) -> EventHistory {
    let (entries, later): (Vec<_>, Vec<_>) =
        journal.iter().cloned().partition(|entry| entry.version <= up_to);
    EventHistory {
        order_id: ORDER_ID,
        entries,
        next_version: later.first().map(|entry| entry.version),
        is_cut: false,
    }
}

fn told(journal: &[Entry], wanted: i64) -> Result<Order, Untold> {
    past(journal, wanted).tell(version(wanted))
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
    fn at_every_version_the_document_says_what_the_rules_knew(life in lives()) {
        let journal = journal(life.clone());
        for (wanted, length) in (1..).zip(1..=life.len()) {
            let order = told(&journal, wanted).unwrap();
            prop_assert_eq!((order.version, order.updated_at), (wanted, time_of(wanted)));
            prop_assert_eq!((order.placed_at, order.total_minor), (PLACED_AT, 2580));
            prop_assert_eq!(order.cancellation.is_some(), order.status == Status::Cancelled);
            let known = fold::<orders_domain::Order>(&life[..length]);
            let delivery_address = AddressFingerprint::from(&address(&order.delivery_address.city));
            prop_assert_eq!(known, match order.status {
                Status::Placed => State::Placed { delivery_address },
                Status::Cancelled => State::Cancelled,
            });
        }
    }

    #[test]
    fn after_an_event_that_is_missing_nothing_is_told(life in lives(), missing in 1..9_i64) {
        let mut journal = journal(life);
        let last = i64::try_from(journal.len()).unwrap();
        prop_assume!(missing < last);
        journal.retain(|entry| entry.version != missing);
        for wanted in 1..=last {
            let told = told(&journal, wanted).map(|order| order.version);
            prop_assert_eq!(told, if wanted < missing { Ok(wanted) } else { Err(Untold::Missing(missing)) });
        }
    }
}

#[test]
fn what_an_order_never_was_is_not_found() {
    let journal = journal([placed(), moved("Hamburg")]);
    assert_eq!(told(&journal, 3), Err(Untold::VersionNotFound));
    assert_eq!(told(&[], 1), Err(Untold::OrderNotFound));
    assert_eq!(past(&journal, 0).tell(as_of("2026-11-20T09:59:59.999Z")), Err(Untold::VersionNotFound));
    assert_eq!(past(&[], 0).tell(as_of("2026-11-20T10:00:00Z")), Err(Untold::OrderNotFound));
}

#[test]
fn a_time_between_two_events_of_which_one_is_missing_cannot_be_told() {
    let mut journal = journal([placed(), moved("Hamburg"), cancelled()]);
    journal.remove(1);
    let asked = as_of("2026-11-20T10:01:30Z");
    assert_eq!(past(&journal, 1).tell(asked), Err(Untold::Missing(2)));
    assert_eq!(past(&journal, 1).tell(version(1)).unwrap().version, 1);
    assert_eq!(past(&journal[1..], 0).tell(as_of("2026-11-20T09:00:00Z")), Err(Untold::Missing(1)));
}

#[test]
fn where_later_events_are_parked_only_the_versions_before_them_are_told() {
    let parked = |journal: &[Entry], up_to| EventHistory { is_cut: true, ..past(journal, up_to) };
    let journal = journal([placed(), moved("Hamburg")]);
    assert_eq!(parked(&journal, 2).tell(version(2)).unwrap().version, 2);
    assert_eq!(parked(&journal, 3).tell(version(3)), Err(Untold::Missing(3)));
    assert_eq!(parked(&journal, 1).tell(as_of("2026-11-20T10:00:30Z")).unwrap().version, 1);
    assert_eq!(parked(&journal, 2).tell(as_of("2026-11-20T10:09:00Z")), Err(Untold::Missing(3)));
    assert_eq!(parked(&[], 1).tell(version(1)), Err(Untold::Missing(1)));
}

#[test]
fn what_is_no_history_of_an_order_is_not_told() {
    assert_eq!(told(&journal([cancelled()]), 1), Err(Untold::OutOfPlace(1)));
    assert_eq!(told(&journal([placed(), placed()]), 2), Err(Untold::OutOfPlace(2)));
}

#[test]
fn a_version_is_a_number_from_one_and_a_time_is_written_as_in_rfc_3339() {
    for text in ["", "0", "-1", "+1", "1.0", "one", "9223372036854775808"] {
        assert!(crate::moment::WantedVersion::try_from(text.to_owned()).is_err(), "{text}");
    }
    for text in ["", "yesterday", "2026-11-20", "2026-11-20T10:00:00", "2026-11-20T10:00:00 01:00"] {
        assert!(crate::moment::Time::try_from(text.to_owned()).is_err(), "{text}");
    }
    assert_eq!(as_of("2026-11-20T11:00:00+01:00").as_of(), Some(PLACED_AT));
}
