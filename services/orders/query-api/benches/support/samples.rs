//! The events that long logs consist of, as written by the command API.

use reqwest::Client;
use serde_json::json;
use test_kit::{LogView, Sample, Service, TestEnvironment};
use tokio::task::spawn_blocking;

use crate::order::{address, order};

/// An event that places an order, and one that changes its address.
pub(crate) async fn samples() -> [Sample; 2] {
    let environment = TestEnvironment::prepared();
    let commands = Service::command_api(&environment, "orders").ready().await;
    let (client, url) = (Client::new(), format!("{}/orders", commands.url));
    let placed = client.post(&url).json(&order()).send().await.expect("the API responds");
    let path = placed.headers()["location"].to_str().expect("a path is text").to_owned();
    let change = client.post(format!("{}{path}/delivery-address", commands.url));
    let changed = change.json(&json!(address("13 Example Street"))).send().await.expect("the API responds");
    assert_eq!((placed.status().as_u16(), changed.status().as_u16()), (201, 200));
    let topic = environment.topic("orders.events");
    let written = spawn_blocking(move || LogView::of(&environment.servers.brokers, &topic)).await;
    let written = written.expect("the log can be read").into_iter();
    let samples: Vec<_> = written
        .map(|event| Sample { event_type: event.headers["ce_type"].clone(), payload: event.payload })
        .collect();
    samples.try_into().expect("two commands lead to two events")
}
