//! The log as a third party reads it.

use orders_domain::Event;
use serde_json::{Value, from_value};
use test_kit::{ConsumedRecord, LogView, Payloads, TestEnvironment, read_history::Offsets};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::task::spawn_blocking;

/// A record of the log.
pub(crate) struct Record {
    pub(crate) seen: ConsumedRecord,
    /// The event, if the record is one.
    pub(crate) logged: Option<Logged>,
}

/// The parts of an event that rows depend on.
pub(crate) struct Logged {
    pub(crate) version: u64,
    pub(crate) at: OffsetDateTime,
    /// The type's name without its namespace.
    pub(crate) event_type: String,
    /// The fields.
    pub(crate) content: Value,
    pub(crate) event: Event,
}

/// Reads the whole log, partition by partition, in order.
pub(crate) async fn read(environment: &TestEnvironment) -> Vec<Record> {
    let (brokers, topic) = (environment.servers.brokers.clone(), environment.topic("orders.events"));
    let seen = spawn_blocking(move || LogView::of(&brokers, &topic)).await.unwrap();
    let mut payloads = Payloads::new(&environment.servers.registry_url);
    let mut log = Vec::new();
    for seen in seen {
        let content = payloads.read(&seen.payload).await;
        log.push(Record::of(seen, content));
    }
    log
}

/// The offset of the last record, by partition.
pub(crate) fn ends(log: &[Record]) -> Offsets {
    log.iter().map(|Record { seen, .. }| (seen.partition, seen.offset)).collect()
}

impl Record {
    /// Reads the headers. `content` is the decoded payload, if it could be decoded.
    pub(crate) fn of(seen: ConsumedRecord, content: Option<Value>) -> Self {
        let logged = content.and_then(|content| Logged::read(&seen, content));
        Self { seen, logged }
    }
}

impl Logged {
    fn read(seen: &ConsumedRecord, content: Value) -> Option<Self> {
        let header = |name: &str| seen.headers.get(name);
        let event_type = header("ce_type")?.rsplit('.').next()?.to_owned();
        let fields = content.clone();
        let event = match event_type.as_str() {
            "OrderPlaced" => Event::OrderPlaced(from_value(fields).ok()?),
            "DeliveryAddressChanged" => Event::DeliveryAddressChanged(from_value(fields).ok()?),
            "OrderCancelled" => Event::OrderCancelled(from_value(fields).ok()?),
            _ => return None,
        };
        let at = OffsetDateTime::parse(header("ce_time")?, &Rfc3339).ok()?;
        Some(Self { version: header("aggregate_version")?.parse().ok()?, at, event_type, content, event })
    }
}
