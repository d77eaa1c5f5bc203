//! The commands that list the state of an installation, with a real Kafka.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![allow(clippy::disallowed_methods, reason = "a test may block its thread")]

use std::{process::Command, time::Duration};

use event_log::{ClientSettings, KafkaShardLog, Offsets, ShardLog, ShardLogSettings, Shards, Topics};
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
    producer::{BaseProducer, BaseRecord, Producer},
};
use serde_json::{Value, json};
use test_kit::TestEnvironment;

const LONG: Duration = Duration::from_secs(10);

/// An environment whose topics exist.
fn prepared() -> TestEnvironment {
    let environment = TestEnvironment::empty();
    environment.foldline("topics apply");
    environment
}

/// Runs a command, which must succeed, and returns its output.
fn foldline(environment: &TestEnvironment, arguments: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_foldline"))
        .args(arguments.split(' '))
        .current_dir(test_kit::repository())
        .env("FOLDLINE_KAFKA_BROKERS", &environment.servers.brokers)
        .env("FOLDLINE_TOPIC_PREFIX", &environment.topic_prefix)
        .env("FOLDLINE_SHARDS", environment.shards.to_string())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Checks that the documentation shows the first line of a table or message.
fn assert_documented(printed: &str) {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let first = words(printed.lines().next().unwrap());
    let docs = include_str!("../../../../docs/command-line.md");
    assert!(docs.lines().any(|line| words(line) == first), "docs/command-line.md does not show: {first}");
}

fn json(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn client(environment: &TestEnvironment) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &environment.servers.brokers);
    config
}

/// Writes a record to partition 3 of a topic.
fn write(environment: &TestEnvironment, topic: &str, key: &str, payload: &str) {
    let producer: BaseProducer = client(environment).create().unwrap();
    let topic = environment.topic(topic);
    let record = BaseRecord::to(&topic).partition(3).key(key).payload(payload);
    producer.send(record).map_err(|(error, _)| error).unwrap();
    producer.flush(LONG).unwrap();
}

#[test]
fn dead_letters_are_listed_and_other_outcomes_are_not() {
    let environment = prepared();
    let accepted = json!({"command_id": "c-1", "status": "accepted", "version": 1});
    let refused =
        json!({"command_id": "c-2", "status": "refused", "problem": {"type": "/problems/order-not-found"}});
    let dead = json!({
        "command_id": null, "status": "refused",
        "problem": {"type": "/problems/command-unreadable", "detail": "header ce_id is \u{1b}[2J missing"},
        "dead_letter": {"position": "orders.commands/3@17"}, "decided_at": "2026-01-01T00:00:00Z",
    });
    for (key, outcome) in [("c-1", &accepted), ("c-2", &refused), ("orders.commands/3@17", &dead)] {
        write(&environment, "orders.outcomes", key, &outcome.to_string());
    }
    write(&environment, "orders.outcomes", "invalid", "{");
    let listed = foldline(&environment, "dead-letters list orders --output json");
    let expected = json!({
        "position": "orders.commands/3@17", "key": "orders.commands/3@17", "decided_at": "2026-01-01T00:00:00Z",
        "reason": "/problems/command-unreadable: header ce_id is \u{1b}[2J missing",
    });
    assert_eq!(json(&listed), [expected]);
    let table = foldline(&environment, "dead-letters list orders");
    assert_documented(&table);
    assert_eq!(table.lines().count(), 2);
    assert!(table.contains(r"ce_id is \u{1b}[2J missing"), "{table}");
}

/// Commits the group's offset after the first command in partition 3, as if that was settled.
fn settle_one(environment: &TestEnvironment, topics: &Topics) {
    let group: BaseConsumer = client(environment).set("group.id", topics.deciders()).create().unwrap();
    let mut next = TopicPartitionList::new();
    next.add_partition_offset(&topics.commands(), 3, Offset::Offset(1)).unwrap();
    group.commit(&next, CommitMode::Sync).unwrap();
}

#[test]
fn shards_are_listed_with_their_owner_their_partitions_and_the_commands_that_wait() {
    let environment = prepared();
    let topics = Topics::new(&environment.topic_prefix, "orders");
    let settings = ShardLogSettings {
        client: ClientSettings { brokers: environment.servers.brokers.clone() },
        topics: topics.clone(),
        shards: Shards::new(8, 2).unwrap(),
        address: "here:1".to_owned(),
        commit_timeout: LONG,
    };
    KafkaShardLog::new(settings, 1).claim(&Offsets::new(), &mut |_| Ok(())).unwrap();
    for _ in 0..3 {
        write(&environment, "orders.commands", "order-1", "command");
    }
    write(&environment, "orders.events", "order-1", "event");
    settle_one(&environment, &topics);
    let listed = json(&foldline(&environment, "shards list orders --output json"));
    assert_eq!(listed.len(), 8);
    let row = |shard: i32, owner: Value, epoch: Value, partition: i32, end: i32, lag: i32| {
        json!({"shard": shard, "owner": owner, "epoch": epoch, "partition": partition, "end": end,
               "commands_lag": lag})
    };
    assert_eq!(listed[3], row(0, Value::Null, Value::Null, 6, 0, 0));
    assert_eq!(listed[4], row(1, json!("here:1"), json!(1), 1, 0, 0));
    assert_eq!(listed[5], row(1, json!("here:1"), json!(1), 3, 1, 2));
    assert_documented(&foldline(&environment, "shards list orders"));
}

#[test]
fn topics_are_listed() {
    let environment = TestEnvironment::empty().with_shards(1);
    assert_documented(&foldline(&environment, "topics apply"));
    let listed = foldline(&environment, "topics list");
    assert_documented(&listed);
    let owners = listed.lines().find(|line| line.contains("orders.owners")).unwrap();
    assert_eq!(owners.split_whitespace().skip(1).take(4).collect::<Vec<_>>(), ["1", "1", "1", "compact"]);
    assert_eq!(listed.lines().count(), 7);
    let owners = &json(&foldline(&environment, "topics list --output json"))[3];
    assert_eq!(
        (&owners["topic"], &owners["partitions"]),
        (&json!(environment.topic("orders.owners")), &json!(1))
    );
}

#[test]
fn the_published_schemas_are_compatible() {
    assert_documented(&foldline(&TestEnvironment::empty(), "schemas check"));
}
