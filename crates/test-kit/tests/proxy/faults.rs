use std::time::Duration;

use rdkafka::producer::Producer;
use test_kit::{Api, Fault, eventually};
use tokio::task::spawn_blocking;

use crate::writer::{TIMEOUT, Writer, producer};

/// Shorter than a message is held.
const SHORT_TIMEOUT: Duration = Duration::from_millis(500);
/// How long messages are held.
const HELD: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_commit_whose_response_is_dropped_takes_effect() {
    let writer = Writer::new().await;
    writer.proxy.inject(Api::EndTxn, Fault::DropResponse, usize::MAX);
    assert!(writer.write("one", SHORT_TIMEOUT).await.is_err());
    writer.proxy.until_injected(1).await;
    assert_eq!(writer.committed().await, ["one"]);
}

#[tokio::test]
async fn the_client_retries_a_commit_whose_response_was_dropped_once() {
    let writer = Writer::new().await;
    writer.proxy.inject(Api::EndTxn, Fault::DropResponse, 1);
    writer.write("one", TIMEOUT).await.unwrap();
    assert_eq!(writer.proxy.injected(), 1);
    assert_eq!(writer.committed().await, ["one"]);
}

#[tokio::test]
async fn a_commit_whose_response_is_held_takes_effect_before_the_client_sees_it() {
    let writer = Writer::new().await;
    writer.proxy.inject(Api::EndTxn, Fault::HoldResponse(HELD), 1);
    assert!(writer.write("one", SHORT_TIMEOUT).await.is_err());
    writer.proxy.until_injected(1).await;
    assert_eq!(writer.committed().await, ["one"]);
}

#[tokio::test]
async fn a_dropped_commit_never_takes_effect() {
    let writer = Writer::new().await;
    writer.proxy.inject(Api::EndTxn, Fault::DropRequest, usize::MAX);
    assert!(writer.write("one", SHORT_TIMEOUT).await.is_err());
    writer.proxy.until_injected(1).await;
    let Writer { environment, proxy, producer: dropped_producer } = writer;
    // Otherwise it would retry and succeed.
    spawn_blocking(move || drop(dropped_producer)).await.unwrap();
    proxy.heal();
    // The next producer aborts the open transaction, which until then holds back the last stable offset.
    let next_producer = producer(&proxy, &environment.topic("writer"));
    spawn_blocking(move || next_producer.init_transactions(TIMEOUT)).await.unwrap().unwrap();
    let (brokers, topic) = (environment.servers.brokers.clone(), environment.topic("orders.events"));
    let committed = spawn_blocking(move || test_kit::LogView::of(&brokers, &topic)).await.unwrap();
    assert!(committed.is_empty());
}

#[tokio::test]
async fn a_held_commit_takes_effect_late_even_if_its_client_has_gone() {
    let writer = Writer::new().await;
    writer.proxy.inject(Api::EndTxn, Fault::HoldRequest(HELD), 1);
    assert!(writer.write("one", SHORT_TIMEOUT).await.is_err());
    let Writer { environment, proxy, producer } = writer;
    spawn_blocking(move || drop(producer)).await.unwrap();
    assert_eq!(proxy.injected(), 1);
    let (brokers, topic) = (environment.servers.brokers.clone(), environment.topic("orders.events"));
    let is_committed = || {
        let (brokers, topic) = (brokers.clone(), topic.clone());
        async { spawn_blocking(move || test_kit::LogView::of(&brokers, &topic).len() == 1).await.unwrap() }
    };
    eventually("the commit is delivered", is_committed).await;
}

#[tokio::test]
async fn records_whose_response_is_dropped_are_written_once() {
    let writer = Writer::new().await;
    writer.proxy.inject(Api::Produce, Fault::DropResponse, 2);
    writer.write("one", TIMEOUT).await.unwrap();
    assert_eq!(writer.proxy.injected(), 2);
    assert_eq!(writer.committed().await, ["one"]);
}

#[tokio::test]
async fn a_fault_does_not_affect_another_api() {
    let writer = Writer::new().await;
    writer.proxy.inject(Api::InitProducerId, Fault::DropRequest, usize::MAX);
    writer.write("one", TIMEOUT).await.unwrap();
    assert_eq!(writer.proxy.injected(), 0);
}
