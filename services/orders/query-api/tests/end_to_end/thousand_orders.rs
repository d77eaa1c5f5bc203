use std::{collections::BTreeMap, process::Command};

use sqlx::query_scalar;
use test_kit::{LogView, repository};

use crate::orders::Orders;

const EVENTS: usize = 720;

#[tokio::test]
async fn a_thousand_orders_are_in_kafka_and_in_postgres() {
    let orders = Orders::start().await;
    for _ in 0..1_000 {
        orders.place().await;
    }
    orders.until_applied(1_000).await;

    assert_eq!(count_with_console_consumer(&orders), 1_000);
    let rows =
        query_scalar::<_, i64>("SELECT count(*) FROM orders").fetch_one(&mut orders.database().await).await;
    assert_eq!(rows.unwrap(), 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_and_sequences_have_no_gaps() {
    let orders = Orders::start().await;
    orders.run_lifecycles(EVENTS).join_all().await;
    let seen = LogView::of(&orders.environment.servers.brokers, &orders.environment.topic("orders.events"));
    assert_eq!(seen.len(), EVENTS);
    let mut versions = BTreeMap::<_, u64>::new();
    let mut sequences = BTreeMap::<_, u64>::new();
    for event in seen {
        let number = |name: &str| event.headers[name].parse::<u64>().unwrap();
        let version = versions.entry(event.key.clone()).or_default();
        let sequence = sequences.entry(event.partition).or_default();
        (*version, *sequence) = (*version + 1, *sequence + 1);
        assert_eq!((number("aggregate_version"), number("partition_sequence")), (*version, *sequence));
    }
}

/// Counts with Kafka's own console consumer.
fn count_with_console_consumer(orders: &Orders) -> usize {
    let topic = orders.environment.topic("orders.events");
    let output = Command::new(repository().join("deploy/native/stack"))
        .args(["run-kafka-tool", "org.apache.kafka.tools.consumer.ConsoleConsumer"])
        .args([
            "--bootstrap-server",
            &orders.environment.servers.brokers,
            "--topic",
            &topic,
            "--from-beginning",
        ])
        .args(["--isolation-level", "read_committed", "--timeout-ms", "8000"])
        .args(["--property", "print.key=true", "--property", "print.value=false"])
        .env("FOLDLINE_STACK_CACHE", repository().join(".stack/cache"))
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).lines().filter(|line| !line.is_empty()).count()
}
