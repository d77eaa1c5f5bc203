//! `foldline shards set`, with a real Kafka.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![allow(clippy::disallowed_methods, reason = "a test may block its thread")]

use std::{
    process::{Command, Output},
    time::{Duration, Instant},
};

use event_log::{
    ClientSettings, KafkaShardLog, LogError, Membership, Offsets, ShardLog, ShardLogSettings, Shards, Topics,
};
use test_kit::TestEnvironment;

const LONG: Duration = Duration::from_secs(30);

/// An environment with the topics of the example, in 8 partitions and 2 shards.
struct Environment {
    environment: TestEnvironment,
    client: ClientSettings,
    topics: Topics,
}

impl Environment {
    fn prepared() -> Self {
        let environment = TestEnvironment::empty();
        environment.foldline("topics apply");
        Self {
            client: ClientSettings { brokers: environment.servers.brokers.clone() },
            topics: Topics::new(&environment.topic_prefix, "orders"),
            environment,
        }
    }

    fn shards_set(&self, shards: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_foldline"))
            .args(["shards", "set", "orders", shards])
            .env("FOLDLINE_KAFKA_BROKERS", &self.client.brokers)
            .env("FOLDLINE_TOPIC_PREFIX", &self.environment.topic_prefix)
            .output()
            .unwrap()
    }

    /// Claims shard 1 as an instance that is configured with this many shards.
    fn claim(&self, shards: i32) -> Result<(KafkaShardLog, u64), LogError> {
        let settings = ShardLogSettings {
            client: self.client.clone(),
            topics: self.topics.clone(),
            shards: Shards::new(8, shards).unwrap(),
            address: "here:1".to_owned(),
            commit_timeout: LONG,
        };
        let mut log = KafkaShardLog::new(settings, 1);
        let epoch = log.claim(&Offsets::new(), &mut |_| Ok(()))?.epoch;
        Ok((log, epoch))
    }
}

fn failure(output: &Output) -> String {
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_number_of_shards_is_changed_and_owners_of_the_old_ones_are_shut_out() {
    let environment = Environment::prepared();
    let (mut old, epoch) = environment.claim(2).unwrap();
    let changed = environment.shards_set("4");
    assert!(changed.status.success(), "{}", failure(&changed));
    let printed = String::from_utf8(changed.stdout).unwrap();
    let docs = include_str!("../../../../docs/command-line.md");
    assert!(docs.contains(printed.trim()), "docs/command-line.md does not show: {printed}");

    assert!(matches!(old.confirm().unwrap_err(), LogError::Replaced));
    let refused = environment.claim(2).map(drop).unwrap_err().to_string();
    assert_eq!(refused, "there are 4 shards, but FOLDLINE_SHARDS is 2");
    let (mut new, newer) = environment.claim(4).unwrap();
    new.confirm().unwrap();
    assert!(newer > epoch);
}

#[test]
fn more_shards_than_partitions_are_refused() {
    let refused = failure(&Environment::prepared().shards_set("9"));
    assert!(refused.contains("8 partitions cannot be divided into 9 shards"), "{refused}");
}

#[test]
fn the_number_is_not_changed_while_instances_are_running() {
    let environment = Environment::prepared();
    let member = Membership::join(&environment.client, &environment.topics, None).unwrap();
    let deadline = Instant::now() + LONG;
    while member.next(Duration::from_millis(100)).unwrap().is_none() {
        assert!(Instant::now() < deadline, "the group assigns no shards");
    }
    let refused = failure(&environment.shards_set("4"));
    assert!(refused.contains("1 instances of the command API are running"), "{refused}");
    environment.claim(2).unwrap();
}

#[test]
fn a_context_without_topics_is_refused() {
    let environment = Environment { environment: TestEnvironment::empty(), ..Environment::prepared() };
    let refused = failure(&environment.shards_set("4"));
    assert!(refused.contains("foldline topics apply"), "{refused}");
}
