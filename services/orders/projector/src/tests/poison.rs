//! Records that must not be in a log, by those who may write it and by those who may not.

use std::time::Duration;

use aggregate::AggregateId;
use event_log::NewRecord;
use orders_domain::{Event, events::OrderCancelled};
use rdkafka::{
    ClientConfig,
    message::{Header, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, Producer},
};
use test_kit::TestEnvironment;
use uuid::Uuid;

use super::log::{Log, cancelled, moved, placed};

/// Ways to spoil an event that its owner writes: its payload cannot be read any more.
pub(super) const SPOILS: [fn(&mut NewRecord); 6] = [
    |record| record.payload = vec![0xff],
    |record| record.payload[1..5].copy_from_slice(&[0x7f; 4]),
    |record| record.envelope.event_type = "foldline.orders.OrderCancelled".to_owned(),
    |record| record.payload.truncate(9),
    |record| record.payload.push(0),
    |record| record.envelope.event_type = "foldline.orders.OrderTeleported".to_owned(),
];

/// An order and what is parked of it: version and cause; none for those that wait.
pub(super) type Expected = Vec<(AggregateId, i64, Option<&'static str>)>;

/// Writes orders of which an event is wrong, each in its own way, with good events before and after it.
pub(super) async fn append_all(log: &mut Log) -> Expected {
    let mut parked = Vec::new();
    for spoil in SPOILS {
        let order_id = AggregateId::from(Uuid::now_v7());
        log.append_event(&order_id, 1, placed(1)).await;
        log.append_event(&order_id, 2, moved("2 Second Street")).await;
        log.append_spoiled(&order_id, 3, moved("3 Third Street"), spoil).await;
        log.append_spoiled(&order_id, 4, cancelled(), |_| {}).await;
        parked.extend([(order_id.clone(), 3, Some("payload")), (order_id, 4, None)]);
    }
    for (version, event, cause) in refused() {
        let order_id = AggregateId::from(Uuid::now_v7());
        log.append_event(&order_id, 1, placed(2)).await;
        log.append_spoiled(&order_id, version, event, |_| {}).await;
        log.append_spoiled(&order_id, version + 1, moved("5 Fifth Street"), |_| {}).await;
        let version = i64::try_from(version).unwrap();
        parked.extend([(order_id.clone(), version, Some(cause)), (order_id, version + 1, None)]);
    }
    for (order_id, event, cause) in [
        (AggregateId::from(Uuid::now_v7()), cancelled(), "unfit"),
        (AggregateId::try_from("no-uuid").unwrap(), placed(0), "unfit"),
        (AggregateId::from(Uuid::now_v7()), negative(), "row"),
    ] {
        log.append_spoiled(&order_id, 1, event, |_| {}).await;
        log.append_spoiled(&order_id, 2, moved("2 Second Street"), |_| {}).await;
        parked.extend([(order_id.clone(), 1, Some(cause)), (order_id, 2, None)]);
    }
    parked
}

/// Versions and events that can be read, but not follow the first one.
fn refused() -> [(u64, Event, &'static str); 4] {
    [
        (3, moved("3 Third Street"), "version"),
        (1, placed(3), "version"),
        (2, placed(3), "unfit"),
        // No text in Postgres has this character.
        (2, because("\0"), "row"),
    ]
}

fn because(reason: &str) -> Event {
    Event::OrderCancelled(OrderCancelled { reason: reason.to_owned() })
}

fn negative() -> Event {
    let Event::OrderPlaced(mut order) = placed(0) else { unreachable!() };
    order.lines[0].quantity = -1;
    Event::OrderPlaced(order)
}

/// A record of somebody who is not the owner.
pub(super) fn plant(
    environment: &TestEnvironment,
    partition: i32,
    key: Option<&[u8]>,
    headers: &[(&str, &[u8])],
    payload: Option<&[u8]>,
) {
    let producer: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", &environment.servers.brokers).create().unwrap();
    let headers = headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
        headers.insert(Header { key, value: Some(*value) })
    });
    let topic = format!("{}orders.events", environment.topic_prefix);
    let record = BaseRecord::<[u8], [u8]> {
        key,
        payload,
        ..BaseRecord::to(&topic).partition(partition).headers(headers)
    };
    producer.send(record).map_err(|(error, _)| error).unwrap();
    producer.flush(Duration::from_secs(10)).unwrap();
}
