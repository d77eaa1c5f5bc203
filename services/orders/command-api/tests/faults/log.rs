//! The log as a stranger reads it: any consumer, any Avro library, the registry for the schemas.

use std::collections::{HashMap, hash_map::Entry};

use apache_avro::{Schema, reader::datum::GenericDatumReader};
use serde_json::Value;
use test_kit::{
    Area, LogView, SeenEvent,
    history::{Fact, LoggedEvent},
};
use tokio::task::spawn_blocking;

/// Every committed event of the orders of an area, as it is in Kafka.
pub(crate) async fn read(area: &Area) -> Vec<LoggedEvent> {
    let (brokers, topic) = (area.servers.brokers.clone(), area.topic("orders.events"));
    let seen = spawn_blocking(move || LogView::of(&brokers, &topic)).await.unwrap();
    let mut schemas = HashMap::new();
    let mut events = Vec::with_capacity(seen.len());
    for event in seen {
        let id = u32::from_be_bytes(event.payload[1..5].try_into().unwrap());
        let schema = match schemas.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(schema(&area.servers.registry_url, id).await),
        };
        events.push(logged(event, schema));
    }
    events
}

async fn schema(registry_url: &str, id: u32) -> Schema {
    let answer = reqwest::get(format!("{registry_url}/schemas/ids/{id}")).await.unwrap();
    let body: Value = answer.json().await.unwrap();
    Schema::parse_str(body["schema"].as_str().unwrap()).unwrap()
}

fn logged(event: SeenEvent, schema: &Schema) -> LoggedEvent {
    let header = |name: &str| event.headers[name].as_str();
    let reader = GenericDatumReader::builder(schema).build().unwrap();
    let content = reader.read_value(&mut &event.payload[5..]).unwrap().try_into().unwrap();
    LoggedEvent {
        partition: event.partition,
        offset: event.offset,
        event_id: header("ce_id").parse().unwrap(),
        command_id: header("command_id").parse().unwrap(),
        version: header("aggregate_version").parse().unwrap(),
        epoch: header("owner_epoch").parse().unwrap(),
        sequence: header("partition_sequence").parse().unwrap(),
        fact: Fact { name: header("ce_type").rsplit('.').next().unwrap().to_owned(), content },
        aggregate: event.key,
    }
}
