use std::time::Duration;

use event_log::{Shards, TopicsError, check_partitions};
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, ResourceSpecifier},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
};

use crate::support::{Log, RUNTIME, error};

const WEEK: (&str, &str) = ("retention.ms", "604800000");
const DELETED: (&str, &str) = ("cleanup.policy", "delete");

fn client(log: &Log) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &log.client.brokers);
    config
}

fn settings(log: &Log, topic: &str, names: &[&str]) -> Vec<String> {
    let admin: AdminClient<DefaultClientContext> = client(log).create().unwrap();
    let topic = ResourceSpecifier::Topic(topic);
    let described = RUNTIME.block_on(admin.describe_configs([&topic], &AdminOptions::new()));
    let config = described.unwrap().remove(0).unwrap();
    let value = |name: &&str| config.get(name).unwrap().value.clone().unwrap();
    names.iter().map(value).collect()
}

fn partitions(log: &Log, topic: &str) -> usize {
    let consumer: BaseConsumer = client(log).create().unwrap();
    let metadata = consumer.fetch_metadata(Some(topic), Duration::from_secs(10)).unwrap();
    metadata.topics()[0].partitions().len()
}

#[test]
fn the_topics_of_a_context_have_the_right_retention() {
    let log = Log::with_shards(3, 2);
    let topics = &log.topics;
    assert_topic(&log, &topics.events(), 3, &[DELETED, ("retention.ms", "-1"), ("retention.bytes", "-1")]);
    assert_topic(&log, &topics.commands(), 3, &[DELETED, WEEK]);
    assert_topic(&log, &topics.outcomes(), 3, &[("cleanup.policy", "compact,delete"), WEEK]);
    assert_topic(&log, &topics.owners(), 2, &[("cleanup.policy", "compact")]);
    assert_topic(&log, &topics.layout(), 1, &[("cleanup.policy", "compact")]);
    assert_topic(&log, &topics.schemas(), 1, &[("cleanup.policy", "compact")]);
    for topic in [topics.events(), topics.commands(), topics.outcomes()] {
        assert_eq!(settings(&log, &topic, &["max.message.bytes"]), ["1048588"], "{topic}");
    }
}

fn assert_topic(log: &Log, topic: &str, count: usize, expected: &[(&str, &str)]) {
    assert_eq!(partitions(log, topic), count, "{topic}");
    let (names, values): (Vec<_>, Vec<_>) = expected.iter().copied().unzip();
    assert_eq!(settings(log, topic, &names), values, "{topic}: {names:?}");
}

#[test]
fn applying_topics_twice_is_harmless() {
    let log = Log::with_shards(2, 1);
    log.apply(log.shards).unwrap();
    check_partitions(&log.client, &log.topics, log.shards).unwrap();
}

#[test]
fn a_different_number_of_partitions_or_shards_is_refused_with_both_numbers() {
    let log = Log::with_shards(2, 1);
    let cases = [
        (Shards::new(3, 1).unwrap(), log.topics.events(), "has 2 partitions, not 3"),
        (Shards::new(2, 2).unwrap(), log.topics.owners(), "has 1 partitions, not 2"),
    ];
    for (shards, topic, expected) in cases {
        for refused in [log.apply(shards), check_partitions(&log.client, &log.topics, shards)] {
            let refused = error(refused);
            assert!(!refused.is_transient());
            let message = refused.to_string();
            assert!(message.contains(expected) && message.contains(&topic), "{message}");
        }
    }
    assert_eq!(partitions(&log, &log.topics.events()), 2, "nothing was changed");
}

#[test]
fn a_missing_topic_is_named() {
    let log = Log::without_topics();
    let missing = error(check_partitions(&log.client, &log.topics, log.shards));
    assert!(matches!(&missing, TopicsError::Missing(topic) if *topic == log.topics.events()), "{missing}");
}
