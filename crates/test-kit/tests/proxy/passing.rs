use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::producer::Producer;
use tokio::task::spawn_blocking;

use crate::writer::{TIMEOUT, Writer};

#[tokio::test]
async fn everything_passes_without_a_fault() {
    let writer = Writer::new().await;
    writer.write("one", TIMEOUT).await.unwrap();
    writer.write("two", TIMEOUT).await.unwrap();
    assert_eq!(writer.committed().await, ["one", "two"]);
    assert_eq!(writer.proxy.injected(), 0);
}

#[tokio::test]
async fn clients_see_only_the_proxys_address() {
    let writer = Writer::new().await;
    let producer = Arc::clone(&writer.producer);
    let metadata =
        spawn_blocking(move || producer.client().fetch_metadata(None, TIMEOUT)).await.unwrap().unwrap();
    let addresses: Vec<_> =
        metadata.brokers().iter().map(|broker| format!("{}:{}", broker.host(), broker.port())).collect();
    assert_eq!(addresses, [writer.proxy.address()]);
}

#[tokio::test]
async fn nothing_passes_a_cut_network_until_it_is_healed() {
    let writer = Writer::new().await;
    writer.proxy.cut();
    let producer = Arc::clone(&writer.producer);
    let fails = move || producer.client().fetch_metadata(None, Duration::from_millis(300)).is_err();
    assert!(spawn_blocking(fails).await.unwrap());
    writer.proxy.heal();
    writer.write("one", TIMEOUT).await.unwrap();
    assert_eq!(writer.committed().await, ["one"]);
}

#[tokio::test]
async fn a_slow_network_delays_requests_and_responses() {
    let writer = Writer::new().await;
    writer.proxy.slow(Duration::from_millis(50));
    let start = Instant::now();
    writer.write("one", TIMEOUT).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(100));
}
