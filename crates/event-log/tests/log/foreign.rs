//! Producers outside the platform, which write invalid records.

use std::time::Duration;

use rdkafka::{
    ClientConfig,
    message::OwnedHeaders,
    producer::{BaseProducer, BaseRecord, Producer},
};

use crate::support::Log;

const TIMEOUT: Duration = Duration::from_secs(10);

/// A producer with an open transaction, which has written a record without headers to a partition of the events.
pub(crate) fn open_transaction(log: &Log, transactional_id: &str, partition: i32) -> BaseProducer {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", &log.client.brokers)
        .set("transactional.id", transactional_id)
        .create()
        .unwrap();
    producer.init_transactions(TIMEOUT).unwrap();
    producer.begin_transaction().unwrap();
    let topic = log.topics.events();
    let record = BaseRecord::to(&topic).partition(partition).key("foreign").payload("foreign");
    producer.send(record).map_err(|(error, _)| error).unwrap();
    producer.flush(TIMEOUT).unwrap();
    producer
}

/// Aborts an open transaction.
pub(crate) fn abort(producer: &BaseProducer) {
    producer.abort_transaction(TIMEOUT).unwrap();
}

/// Writes a record to the events topic that is not a valid event.
pub(crate) fn write_event(
    log: &Log,
    partition: i32,
    key: Option<&str>,
    headers: &[(&str, &str)],
    payload: Option<&str>,
) {
    write(log, &log.topics.events(), partition, key, headers, payload);
}

/// Writes a record to any topic.
pub(crate) fn write(
    log: &Log,
    topic: &str,
    partition: i32,
    key: Option<&str>,
    headers: &[(&str, &str)],
    payload: Option<&str>,
) {
    let producer: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", &log.client.brokers).create().unwrap();
    let headers = headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
        headers.insert(rdkafka::message::Header { key, value: Some(*value) })
    });
    let record = BaseRecord::<str, str> {
        key,
        payload,
        ..BaseRecord::to(topic).partition(partition).headers(headers)
    };
    producer.send(record).map_err(|(error, _)| error).unwrap();
    producer.flush(TIMEOUT).unwrap();
}
