//! Only the newest owner can write, and every owner can find out whether it is the newest.

use event_log::{FencedLog, LogError, Offsets, PRODUCERS, Producer, ShardLog};

use super::{TIMEOUT, fence_all, keys, partitions};
use crate::{
    support::{Owner, error, outcome, record},
    worlds::{Interrupted, Interruption, World, contract, sorted},
};

contract! {
    an_owner_replaced_between_send_and_commit_leaves_nothing
    a_replaced_owner_cannot_append_with_any_producer
    a_replaced_owner_cannot_append_to_any_partition
    an_owner_overtaken_during_its_claim_cannot_announce_itself
    every_owner_has_a_higher_epoch_even_after_an_owner_without_writes
    an_epoch_is_higher_than_that_of_any_event_in_any_partition
    an_owner_is_confirmed_until_a_newer_one_has_announced_itself
    an_observer_finds_the_newest_epoch
    a_released_owner_can_no_longer_append
}

fn an_owner_replaced_between_send_and_commit_leaves_nothing<W: World>(world: &W) {
    let [one, other] = partitions(world);
    for index in 0..PRODUCERS {
        let first = &mut fence_all(&mut world.broker())[index];
        first.begin(TIMEOUT).unwrap();
        first.send_events(&[record(one, "a", 1, 1), record(other, "b", 1, 1)]).unwrap();
        first.send_outcomes(&[outcome(one, "a", 0), outcome(other, "b", 0)]).unwrap();
        first.send_offsets(&Offsets::from([(one, 7), (other, 8)])).unwrap();
        let second = Owner::over(world.broker(), "two:2").unwrap();
        assert!(second.replayed.is_empty());
        assert_eq!(second.next_commands, Offsets::from([(one, 0), (other, 0)]));
        let fenced = error(first.commit());
        assert!(fenced.is_fenced(), "{fenced}");
    }
    assert_eq!((world.events(), world.outcomes()), (vec![], vec![]));
}

fn a_replaced_owner_cannot_append_with_any_producer<W: World>(world: &W) {
    for appends_before in 0..PRODUCERS {
        let mut first = Owner::over(world.broker(), "one:1").unwrap();
        for _ in 0..appends_before {
            first.append(&["before"]).unwrap();
        }
        let mut second = Owner::over(world.broker(), "two:2").unwrap();
        let fenced = error(first.append(&["too-late"]));
        assert!(fenced.is_fenced() && fenced.is_transient(), "{fenced}");
        assert!(matches!(error(first.append(&["too-late"])), LogError::NotClaimed));
        second.append(&["after"]).unwrap();
    }
    assert_eq!(keys(world), ["after", "after", "after", "before", "before", "before"]);
}

fn a_replaced_owner_cannot_append_to_any_partition<W: World>(world: &W) {
    let mut reached = Vec::new();
    for aggregate in ["a", "b"] {
        let mut first = Owner::over(world.broker(), "one:1").unwrap();
        let _second = Owner::over(world.broker(), "two:2").unwrap();
        assert!(error(first.append(&[aggregate])).is_fenced());
        reached.push(first.partition_of(aggregate));
    }
    assert_eq!(sorted(reached), partitions(world));
    assert!(world.events().is_empty());
}

fn an_owner_overtaken_during_its_claim_cannot_announce_itself<W: World>(world: &W) {
    let other_broker = world.broker();
    let overtake = || drop(Owner::over(other_broker, "quick:1").unwrap());
    let slow = Owner::over(Interrupted::new(world.broker(), Interruption::End, overtake), "slow:1");
    assert!(slow.map(drop).unwrap_err().is_fenced());
    assert_eq!(world.announced(), ["quick:1"]);
}

fn every_owner_has_a_higher_epoch_even_after_an_owner_without_writes<W: World>(world: &W) {
    let epochs: Vec<_> = (0..4).map(|_| Owner::over(world.broker(), "one:1").unwrap().epoch).collect();
    assert!(epochs.is_sorted_by(|one, next| one < next), "{epochs:?}");
    assert_eq!(epochs[0], 1);
}

fn an_epoch_is_higher_than_that_of_any_event_in_any_partition<W: World>(world: &W) {
    let [one, other] = partitions(world);
    for (partition, epoch) in [(one, 100), (other, 200), (one, 300)] {
        let writer = &mut fence_all(&mut world.broker())[0];
        writer.begin(TIMEOUT).unwrap();
        writer.send_events(&[record(partition, "a", epoch, 1)]).unwrap();
        writer.commit().unwrap();
        assert_eq!(Owner::over(world.broker(), "one:1").unwrap().epoch, epoch + 1);
    }
}

fn an_owner_is_confirmed_until_a_newer_one_has_announced_itself<W: World>(world: &W) {
    let mut first = Owner::over(world.broker(), "one:1").unwrap();
    first.append(&["a"]).unwrap();
    first.log.confirm().unwrap();
    let newer = &mut fence_all(&mut world.broker())[0];
    first.log.confirm().unwrap();
    newer.begin(TIMEOUT).unwrap();
    newer.announce("two:2", 0).unwrap();
    newer.commit().unwrap();
    for _ in 0..2 {
        assert!(matches!(error(first.log.confirm()), LogError::Replaced));
    }
    assert!(first.log.newest_epoch().unwrap() > first.epoch);
}

fn an_observer_finds_the_newest_epoch<W: World>(world: &W) {
    let mut observer = FencedLog::over(world.broker(), "observer:1".to_owned(), TIMEOUT);
    assert_eq!(observer.newest_epoch().unwrap(), 0);
    for address in ["one:1", "two:2"] {
        let owner = Owner::over(world.broker(), address).unwrap();
        assert_eq!(observer.newest_epoch().unwrap(), owner.epoch);
    }
    assert!(matches!(error(observer.confirm()), LogError::NotClaimed));
}

fn a_released_owner_can_no_longer_append<W: World>(world: &W) {
    let mut owner = Owner::over(world.broker(), "one:1").unwrap();
    owner.log.release();
    assert!(matches!(error(owner.append(&["a"])), LogError::NotClaimed));
    assert!(matches!(error(owner.log.confirm()), LogError::NotClaimed));
    assert!(world.events().is_empty());
}
