//! The log as a third party reads it: with a Kafka consumer, an Avro library, and the schemas from the registry.

use serde_json::Value;
use test_kit::{
    ConsumedRecord, LogView, Payloads, TestEnvironment,
    history::{Fact, LoggedEvent},
};
use tokio::task::spawn_blocking;

/// Every committed event of the orders in an environment.
pub(crate) async fn read(environment: &TestEnvironment) -> Vec<LoggedEvent> {
    let (brokers, topic) = (environment.servers.brokers.clone(), environment.topic("orders.events"));
    let seen = spawn_blocking(move || LogView::of(&brokers, &topic)).await.unwrap();
    let mut payloads = Payloads::new(&environment.servers.registry_url);
    let mut events = Vec::with_capacity(seen.len());
    for event in seen {
        let content = payloads.read(&event.payload).await.unwrap();
        events.push(logged(event, content));
    }
    events
}

fn logged(event: ConsumedRecord, content: Value) -> LoggedEvent {
    let header = |name: &str| event.headers[name].as_str();
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
