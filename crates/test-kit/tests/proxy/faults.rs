use std::time::Duration;

use rdkafka::producer::Producer;
use test_kit::{Api, Fault, eventually};
use tokio::task::spawn_blocking;

use crate::writer::{LONG, Writer, producer};

/// Not long enough for what is held up.
const SHORT: Duration = Duration::from_millis(500);
/// Held up for so long.
const HELD: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_commit_whose_answer_is_dropped_is_done() {
    let writer = Writer::new().await;
    writer.proxy.order(Api::EndTxn, Fault::DropAnswer, usize::MAX);
    assert!(writer.write("one", SHORT).await.is_err());
    writer.proxy.until_met(1).await;
    assert_eq!(writer.committed().await, ["one"]);
}

#[tokio::test]
async fn a_commit_whose_answer_was_dropped_once_is_repeated_by_the_client() {
    let writer = Writer::new().await;
    writer.proxy.order(Api::EndTxn, Fault::DropAnswer, 1);
    writer.write("one", LONG).await.unwrap();
    assert_eq!(writer.proxy.met(), 1);
    assert_eq!(writer.committed().await, ["one"]);
}

#[tokio::test]
async fn a_commit_whose_answer_is_held_is_done_before_the_client_hears_it() {
    let writer = Writer::new().await;
    writer.proxy.order(Api::EndTxn, Fault::HoldAnswer(HELD), 1);
    assert!(writer.write("one", SHORT).await.is_err());
    writer.proxy.until_met(1).await;
    assert_eq!(writer.committed().await, ["one"]);
}

#[tokio::test]
async fn a_commit_that_is_dropped_is_never_done() {
    let writer = Writer::new().await;
    writer.proxy.order(Api::EndTxn, Fault::DropRequest, usize::MAX);
    assert!(writer.write("one", SHORT).await.is_err());
    writer.proxy.until_met(1).await;
    let Writer { environment, proxy, producer: lost } = writer;
    // It would ask again, and be heard.
    spawn_blocking(move || drop(lost)).await.unwrap();
    proxy.heal();
    // Its successor aborts what it left open; until then the log has no stable end.
    let successor = producer(&proxy, &environment.topic("writer"));
    spawn_blocking(move || successor.init_transactions(LONG)).await.unwrap().unwrap();
    let (brokers, topic) = (environment.servers.brokers.clone(), environment.topic("orders.events"));
    let committed = spawn_blocking(move || test_kit::LogView::of(&brokers, &topic)).await.unwrap();
    assert!(committed.is_empty());
}

#[tokio::test]
async fn a_commit_that_is_held_is_done_late_although_its_client_has_gone() {
    let writer = Writer::new().await;
    writer.proxy.order(Api::EndTxn, Fault::HoldRequest(HELD), 1);
    assert!(writer.write("one", SHORT).await.is_err());
    let Writer { environment, proxy, producer } = writer;
    spawn_blocking(move || drop(producer)).await.unwrap();
    assert_eq!(proxy.met(), 1);
    let (brokers, topic) = (environment.servers.brokers.clone(), environment.topic("orders.events"));
    let is_there = || {
        let (brokers, topic) = (brokers.clone(), topic.clone());
        async { spawn_blocking(move || test_kit::LogView::of(&brokers, &topic).len() == 1).await.unwrap() }
    };
    eventually("the commit is delivered", is_there).await;
}

#[tokio::test]
async fn records_whose_answer_is_dropped_are_written_once() {
    let writer = Writer::new().await;
    writer.proxy.order(Api::Produce, Fault::DropAnswer, 2);
    writer.write("one", LONG).await.unwrap();
    assert_eq!(writer.proxy.met(), 2);
    assert_eq!(writer.committed().await, ["one"]);
}

#[tokio::test]
async fn another_api_than_the_one_ordered_is_left_alone() {
    let writer = Writer::new().await;
    writer.proxy.order(Api::InitProducerId, Fault::DropRequest, usize::MAX);
    writer.write("one", LONG).await.unwrap();
    assert_eq!(writer.proxy.met(), 0);
}
