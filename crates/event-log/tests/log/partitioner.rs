use std::{
    io::Write,
    process::{Command, Stdio},
};

use aggregate::AggregateId;
use event_log::partition_of;
use test_kit::{LogView, repository};
use uuid::Uuid;

use crate::support::Log;

const PARTITIONS: i32 = 7;

/// Ids of every length, and with every visible ASCII character.
fn keys() -> Vec<String> {
    let visible: String = ('!'..='~').collect();
    let lengths = (1..=AggregateId::MAX_LENGTH)
        .map(|length| visible.chars().cycle().skip(length).take(length).collect());
    let uuids = (0..900).map(|_| Uuid::new_v4().to_string());
    uuids.chain(lengths).collect()
}

/// Writes a record for each key with Kafka's own Java client, which chooses the partition.
fn produce(log: &Log, keys: &[String]) {
    let mut producer = Command::new(repository().join("deploy/native/stack"))
        .args(["run-kafka-tool", "org.apache.kafka.tools.ConsoleProducer"])
        .args(["--bootstrap-server", &log.client.brokers, "--topic", &log.topics.commands()])
        .args(["--property", "parse.key=true"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = producer.stdin.take().unwrap();
    for key in keys {
        writeln!(lines, "{key}\tvalue").unwrap();
    }
    drop(lines);
    assert!(producer.wait().unwrap().success());
}

#[test]
fn an_aggregate_is_in_the_partition_that_the_java_client_chooses() {
    let log = Log::with_partitions(PARTITIONS);
    let keys = keys();
    produce(&log, &keys);
    let seen = LogView::of(&log.client.brokers, &log.topics.commands());
    assert_eq!(seen.len(), keys.len());
    for record in seen {
        let id = AggregateId::try_from(record.key.as_str()).unwrap();
        assert_eq!(partition_of(&id, PARTITIONS), record.partition, "{id}");
    }
}
