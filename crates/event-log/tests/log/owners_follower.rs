use std::time::Duration;

use event_log::{Offsets, Owners, ShardLog, follow_owners};
use tokio::{sync::watch, time::timeout};

use crate::{
    foreign,
    support::{Log, RUNTIME},
};

/// Claims a shard under this address.
fn claim(log: &Log, shard: i32, address: &str) {
    log.writer(shard, address).claim(&Offsets::new(), &mut |_| Ok(())).unwrap();
}

/// Waits until a shard has an owner with this address, and returns the owners.
fn wait_for_owner(owners: &mut watch::Receiver<Owners>, shard: i32, address: &str) -> Owners {
    let is_announced = |owners: &Owners| owners.get(shard).is_some_and(|owner| owner.address == address);
    RUNTIME.block_on(async {
        let waited = timeout(Duration::from_mins(1), owners.wait_for(is_announced)).await;
        waited.expect("the owner is known within a minute").unwrap().clone()
    })
}

#[test]
fn owners_are_known_once_announced_and_the_newest_one_counts() {
    let log = Log::with_shards(3, 2);
    claim(&log, 0, "before:1");
    let mut owners = follow_owners(&log.client, &log.topics).unwrap();
    let before = wait_for_owner(&mut owners, 0, "before:1");
    assert_eq!((before.get(0).unwrap().epoch, before.get(1)), (1, None));
    claim(&log, 1, "other:1");
    claim(&log, 0, "after:1");
    let after = wait_for_owner(&mut owners, 0, "after:1");
    assert_eq!(after.get(1).unwrap().address, "other:1");
    assert!(after.get(0).unwrap().epoch > before.get(0).unwrap().epoch);
    assert_eq!(after.get(1).unwrap().epoch, 1, "each shard has epochs of its own");
}

#[test]
fn an_invalid_announcement_and_unknown_fields_are_ignored() {
    let log = Log::with_partitions(1);
    let announce = |payload| foreign::write(&log, &log.topics.owners(), 0, Some("0"), &[], payload);
    announce(None);
    announce(Some("{"));
    announce(Some(r#"{"shard": 0}"#));
    announce(Some(r#"{"shard": 1, "address": "elsewhere:1"}"#));
    announce(Some(r#"{"shard": 0, "address": "here:1", "epoch": 9, "since": "today"}"#));
    let mut owners = follow_owners(&log.client, &log.topics).unwrap();
    assert_eq!(wait_for_owner(&mut owners, 0, "here:1").get(0).unwrap().epoch, 5);
}
