use event_log::SchemaFile;
use orders_domain::{
    Event,
    events::{DeliveryAddress, DeliveryAddressChanged, OrderCancelled, OrderLine, OrderPlaced},
};
use test_kit::{EventWriter, TestEnvironment};

/// A writer of the log of orders, which records what it writes.
pub(crate) type Log = EventWriter<Event>;

/// Claims every partition.
pub(crate) async fn log_of(environment: &TestEnvironment) -> Log {
    Log::new(environment, "orders", 8, &schemas()).await
}

fn schemas() -> [SchemaFile; 3] {
    [
        include_str!("../../../../../schemas/orders/events/order_placed/v1.avsc"),
        include_str!("../../../../../schemas/orders/events/delivery_address_changed/v1.avsc"),
        include_str!("../../../../../schemas/orders/events/order_cancelled/v1.avsc"),
    ]
    .map(|text| SchemaFile::new(1, text))
}

/// This many orders, with different numbers and types of events.
pub(crate) fn orders(count: usize) -> impl Iterator<Item = Vec<Event>> {
    (0..count).map(|number| {
        let mut events = vec![placed(number)];
        events.extend((0..number % 3).map(|street| address_changed(&format!("{street} Second Street"))));
        events.extend((number.is_multiple_of(4)).then(cancelled));
        events
    })
}

pub(crate) fn placed(number: usize) -> Event {
    let lines = (0..=number % 3).map(|line| OrderLine {
        sku: format!("sku-{line}"),
        quantity: 2,
        unit_price_minor: 150,
    });
    let lines: Vec<_> = lines.collect();
    Event::OrderPlaced(OrderPlaced {
        customer_id: format!("c-{}", number % 5),
        currency: "EUR".to_owned(),
        total_minor: 300 * i64::try_from(lines.len()).unwrap(),
        lines,
        delivery_address: address("1 First Street"),
    })
}

pub(crate) fn address_changed(street: &str) -> Event {
    Event::DeliveryAddressChanged(DeliveryAddressChanged { delivery_address: address(street) })
}

pub(crate) fn cancelled() -> Event {
    Event::OrderCancelled(OrderCancelled { reason: "ordered twice".to_owned() })
}

fn address(street: &str) -> DeliveryAddress {
    DeliveryAddress {
        name: "Ada Lovelace".to_owned(),
        street: street.to_owned(),
        postal_code: "10115".to_owned(),
        city: "Berlin".to_owned(),
        country: "DE".to_owned(),
    }
}
