//! Two instances act as owners of a shard: only the newer one can write.

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use event_log::{LogError, Offsets, PRODUCERS, ShardLog};
use rdkafka::producer::Producer;
use serde_json::Value;
use test_kit::{Api, Fault, KafkaProxy, LogView};

use crate::{
    foreign,
    support::{Log, Owner, RUNTIME, error, offsets},
};

/// The records of the owners topic: key, epoch (derived from the offset) and address.
fn announcements(log: &Log) -> Vec<(String, u64, String)> {
    let seen = LogView::of(&log.client.brokers, &log.topics.owners());
    let announcement = |event: test_kit::ConsumedRecord| {
        let document: Value = serde_json::from_slice(&event.payload).unwrap();
        assert_eq!([&document["shard"].to_string(), &event.partition.to_string()], [&event.key; 2]);
        let address = document["address"].as_str().unwrap().to_owned();
        (event.key, event.offset.unsigned_abs() + 1, address)
    };
    seen.into_iter().map(announcement).collect()
}

/// Runs the check for each of the owner's producers in parallel, since a claim mostly waits.
fn for_each_producer(check: impl Fn(usize) + Sync) {
    let check = &check;
    thread::scope(|scope| {
        for index in 0..PRODUCERS {
            scope.spawn(move || check(index));
        }
    });
}

#[test]
fn a_replaced_owner_cannot_append_with_any_of_its_producers() {
    for_each_producer(|appends_before| {
        let log = Log::with_partitions(1);
        let mut first = Owner::of(&log, 0);
        for _ in 0..appends_before {
            first.append(&["before"]).unwrap();
        }
        let mut second = Owner::of(&log, 0);
        assert_eq!(second.replayed.len(), appends_before);
        let fenced = error(first.append(&["too-late"]));
        assert!(matches!(fenced, LogError::Kafka(_)) && fenced.is_transient(), "{fenced}");
        assert!(matches!(error(first.append(&["too-late"])), LogError::NotClaimed));
        second.append(&["after"]).unwrap();
        let keys: Vec<_> = log.seen().into_iter().map(|event| event.key).collect();
        assert!(!keys.contains(&"too-late".to_owned()), "{keys:?}");
    });
}

#[test]
fn an_owner_replaced_between_send_and_commit_leaves_nothing() {
    for_each_producer(|index| {
        let log = Log::with_partitions(1);
        let first = foreign::open_transaction(&log, &format!("{}-1-0-{index}", log.topics.events()), 0);
        let mut second = Owner::of(&log, 0);
        assert!(second.replayed.is_empty());
        error(first.commit_transaction(Duration::from_secs(10)));
        second.append(&["after"]).unwrap();
        let seen = log.seen();
        assert_eq!(seen.iter().map(|event| event.key.as_str()).collect::<Vec<_>>(), ["after"]);
    });
}

#[test]
fn a_claim_that_reaches_kafka_late_does_not_fence_its_own_owner() {
    const DELAY: Duration = Duration::from_millis(500);
    let mut log = Log::with_partitions(1);
    let proxy = RUNTIME.block_on(KafkaProxy::in_front_of(&log.client.brokers));
    log.client.brokers = proxy.address();
    proxy.inject(Api::InitProducerId, Fault::HoldRequest(DELAY), 1);
    let started = Instant::now();
    let mut owner = Owner::of(&log, 0);
    // Long enough for the delayed request to take effect, whichever producer sent it.
    while started.elapsed() < 2 * DELAY {
        owner.append(&["a"]).unwrap();
    }
    assert_eq!(proxy.injected(), 1);
}

#[test]
fn an_owner_that_writes_during_another_claim_loses_nothing_and_leaves_only_whole_groups() {
    const GROUP: usize = 20;
    let log = Log::with_partitions(1);
    let mut first = Owner::of(&log, 0);
    let (sender, has_started) = mpsc::channel();
    thread::scope(|scope| {
        let writer = scope.spawn(move || {
            let mut acknowledged = Vec::new();
            // Far more groups than are written during a claim, so that the claim always happens in between.
            for _ in 0..20_000 {
                match first.append(&["a"; GROUP]) {
                    Ok(offsets) => acknowledged.extend(offsets),
                    Err(_) => break,
                }
                sender.send(()).unwrap();
            }
            acknowledged
        });
        has_started.recv().unwrap();
        let replayed = offsets(&Owner::of(&log, 0).replayed);
        let acknowledged = writer.join().unwrap();
        assert!(replayed.starts_with(&acknowledged), "the claim has missed an acknowledged event");
        let unknown = replayed.len() - acknowledged.len();
        assert!(unknown == 0 || unknown == GROUP, "{unknown} events of a group of {GROUP}");
        let seen: Vec<_> = log.seen().iter().map(|event| event.offset).collect();
        assert_eq!(seen, replayed, "the claim has read every event that can ever be committed");
    });
}

#[test]
fn every_owner_announces_itself_with_an_epoch_derived_from_the_offset() {
    let log = Log::with_partitions(2);
    let expected = ["one:1", "two:2"].map(|address| {
        let claimed = log.writer(1, address).claim(&Offsets::new(), &mut |_| Ok(())).unwrap();
        ("1".to_owned(), claimed.epoch, address.to_owned())
    });
    assert_eq!(announcements(&log), expected);
}

#[test]
fn a_replaced_owner_can_claim_again_and_reads_the_events_of_the_other_owner() {
    let log = Log::with_partitions(1);
    let mut first = Owner::of(&log, 0);
    let next = Offsets::from([(0, first.append(&["first-owner"]).unwrap()[0] + 1)]);
    Owner::of(&log, 0).append(&["second-owner"]).unwrap();
    error(first.append(&["too-late"]));
    let mut read = Vec::new();
    let epoch = first.log.claim(&next, &mut |recorded| {
        read.push(recorded.envelope.aggregate_id.to_string());
        Ok(())
    });
    assert!(epoch.unwrap().epoch > first.epoch + 1);
    assert_eq!(read, ["second-owner"]);
}
