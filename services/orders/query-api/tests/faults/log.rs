//! The log as a stranger reads it, and what it makes of every order.

use std::collections::BTreeSet;

use orders_domain::Event;
use serde_json::{Value, from_value};
use test_kit::{
    Area, LogView, Payloads, SeenEvent,
    read_history::{LoggedRecord, Model, Offsets, Step},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::task::spawn_blocking;

use crate::{model, poison};

/// What the whole log says.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) steps: Vec<Step>,
    pub(crate) unfit: Vec<LoggedRecord>,
    /// By partition, the offset of its last record.
    pub(crate) ends: Offsets,
    orders: Model,
    parked: BTreeSet<String>,
}

impl Log {
    /// Reads and folds everything there is.
    pub(crate) async fn read(area: &Area) -> Self {
        let (brokers, topic) = (area.servers.brokers.clone(), area.topic("orders.events"));
        let seen = spawn_blocking(move || LogView::of(&brokers, &topic)).await.unwrap();
        let mut payloads = Payloads::new(&area.servers.registry_url);
        let mut log = Self::default();
        for record in seen {
            let event = event(&record, payloads.read(&record.payload).await);
            log.take(record, event);
        }
        log
    }

    /// What cannot be applied is parked, and everything that comes later under the same key, if it has one.
    fn take(&mut self, record: SeenEvent, event: Option<Logged>) {
        let SeenEvent { partition, offset, key: aggregate, payload, .. } = record;
        self.ends.insert(partition, offset);
        let fit = event.filter(|logged| !is_refused(&logged.event) && !self.parked.contains(&aggregate));
        if let Some(Logged { version, at, event }) = fit {
            let order = self.orders.entry(aggregate.clone()).or_default();
            model::apply(order, version, at, event);
            let content = order.clone();
            self.steps.push(Step { partition, offset, aggregate, version, content });
        } else {
            if !aggregate.is_empty() {
                self.parked.insert(aggregate.clone());
            }
            self.unfit.push(LoggedRecord { partition, offset, aggregate, payload });
        }
    }
}

/// An event, as far as the rows follow from it.
struct Logged {
    version: u64,
    at: OffsetDateTime,
    event: Event,
}

/// What a record is, if it is an event.
fn event(record: &SeenEvent, content: Option<Value>) -> Option<Logged> {
    let header = |name: &str| record.headers.get(name);
    let content = content?;
    let event = match header("ce_type")?.rsplit('.').next()? {
        "OrderPlaced" => Event::OrderPlaced(from_value(content).ok()?),
        "DeliveryAddressChanged" => Event::DeliveryAddressChanged(from_value(content).ok()?),
        "OrderCancelled" => Event::OrderCancelled(from_value(content).ok()?),
        _ => return None,
    };
    let at = OffsetDateTime::parse(header("ce_time")?, &Rfc3339).ok()?;
    Some(Logged { version: header("aggregate_version")?.parse().ok()?, at, event })
}

/// Whether the tables refuse it; see [`poison::refuse`].
fn is_refused(event: &Event) -> bool {
    match event {
        Event::OrderPlaced(placed) => placed.customer_id == poison::CUSTOMER,
        Event::DeliveryAddressChanged(_) => false,
        Event::OrderCancelled(cancelled) => cancelled.reason == poison::REASON,
    }
}
