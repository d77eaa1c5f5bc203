//! The log as a stranger reads it.

use orders_domain::Event;
use serde_json::{Value, from_value};
use test_kit::{LogView, Payloads, SeenEvent, TestEnvironment, read_history::Offsets};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::task::spawn_blocking;

/// A record as it stands there.
pub(crate) struct Record {
    pub(crate) seen: SeenEvent,
    /// What it says, if it is an event.
    pub(crate) logged: Option<Logged>,
}

/// An event, as far as the rows follow from it.
pub(crate) struct Logged {
    pub(crate) version: u64,
    pub(crate) at: OffsetDateTime,
    /// Its name without the namespace.
    pub(crate) event_type: String,
    /// Its fields.
    pub(crate) content: Value,
    pub(crate) event: Event,
}

/// Reads everything there is, partition by partition, in order.
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

/// By partition, the offset of its last record.
pub(crate) fn ends(log: &[Record]) -> Offsets {
    log.iter().map(|Record { seen, .. }| (seen.partition, seen.offset)).collect()
}

impl Record {
    /// Reads its headers; the content is what its payload says, if it can be read.
    pub(crate) fn of(seen: SeenEvent, content: Option<Value>) -> Self {
        let logged = content.and_then(|content| Logged::read(&seen, content));
        Self { seen, logged }
    }
}

impl Logged {
    fn read(seen: &SeenEvent, content: Value) -> Option<Self> {
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
