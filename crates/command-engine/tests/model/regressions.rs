//! Bugs that schedules have found, each reproduced without a schedule.

use std::time::{Duration, Instant};

use aggregate::{AggregateId, Metadata, Version};
use command_engine::{AggregateCache, CacheSettings};
use event_log::{Envelope, Position, Recorded};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    account::{Account, CODEC, Event},
    snapshots::SharedSnapshots,
};

fn account(id: &str) -> AggregateId {
    AggregateId::try_from(id).unwrap()
}

/// The first event of an account.
fn opened(id: &str, offset: i64) -> (Recorded, Event) {
    let event = Event::deposited(1);
    let envelope = Envelope {
        aggregate_id: account(id),
        event_id: Uuid::nil(),
        event_type: "bank.Deposited".to_owned(),
        source: "/bank".to_owned(),
        time: OffsetDateTime::UNIX_EPOCH,
        version: Version(1),
        request_hash: 1,
        owner_epoch: 1,
        partition_sequence: offset.unsigned_abs() + 1,
        metadata: Metadata {
            command_id: Uuid::from_u128(offset.unsigned_abs().into()),
            correlation_id: "".into(),
            causation_id: "".into(),
            actor: "".into(),
            traceparent: "".into(),
        },
    };
    let position = Position { topic: "bank.events".to_owned(), partition: 0, offset };
    (Recorded { envelope, position, payload: CODEC.encode(&event).unwrap() }, event)
}

fn cache(snapshots: &SharedSnapshots, max_aggregates: usize) -> AggregateCache<Account> {
    let settings = CacheSettings { max_aggregates, ..CacheSettings::default() };
    let mut cache = AggregateCache::new(Box::new(snapshots.clone()), settings);
    cache.restore().unwrap();
    cache
}

#[test]
fn an_account_loaded_twice_in_one_call_keeps_its_history() {
    let snapshots = SharedSnapshots::new(false, None);
    let mut first = cache(&snapshots, 10);
    first.fold_tail(&[opened("a", 0)], &mut |_, _| ()).unwrap();
    first.save_now(1).unwrap();
    let mut second = cache(&snapshots, 10);
    second.load(&[account("a"), account("a")]).unwrap();
    assert_eq!(second.get(&account("a")).unwrap().version, Version(1));
}

#[test]
fn a_full_cache_continues_if_another_instance_has_saved_newer_snapshots() {
    let snapshots = SharedSnapshots::new(false, None);
    let mut behind = cache(&snapshots, 1);
    behind.fold_tail(&[opened("a", 0)], &mut |_, _| ()).unwrap();
    let mut newer = cache(&snapshots, 10);
    newer.fold_tail(&[opened("a", 0), opened("b", 1)], &mut |_, _| ()).unwrap();
    newer.save_now(2).unwrap();
    // The other instance has saved what this one could not, so this one can evict it.
    behind.fold_tail(&[opened("b", 1)], &mut |_, _| ()).unwrap();
    assert_eq!(behind.next_offset, 2);
}

#[test]
fn a_slow_save_is_not_due_again_at_once() {
    let settings = CacheSettings {
        save_changes: 1,
        save_pause: Duration::ZERO,
        save_interval: Duration::from_millis(1),
        ..CacheSettings::default()
    };
    let mut cache = AggregateCache::new(Box::new(SharedSnapshots::new(true, None)), settings);
    cache.restore().unwrap();
    cache.fold_tail(&[opened("a", 0)], &mut |_, _| ()).unwrap();
    cache.write_behind(1).unwrap();
    let due = cache.due().unwrap();
    while Instant::now() < due {
        std::thread::yield_now();
    }
    cache.write_behind(1).unwrap();
    // A shard waits until then. If it were in the past, the thread would spin for as long as the save takes.
    assert!(cache.due().unwrap() > due);
}
