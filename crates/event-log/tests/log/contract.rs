//! The contract of a partition's owners, tested against each broker.

use std::time::{Duration, Instant};

use event_log::{Broker, FencedLog, LogError, PartitionLog, Producer};

use crate::{
    support::{Owner, error, offsets, outcome, record},
    worlds::{InKafka, InSimulation, Interrupted, World},
};

const LONG: Duration = Duration::from_secs(10);

/// Makes every function a test against each broker.
macro_rules! contract {
    ($($test:ident)*) => {
        mod in_kafka {
            $(#[test] fn $test() { super::$test(&super::InKafka::default()); })*
        }
        mod in_simulation {
            $(#[test] fn $test() { super::$test(&super::InSimulation::default()); })*
        }
    };
}

contract! {
    a_claim_reads_everything_committed
    an_owner_replaced_between_send_and_commit_leaves_nothing
    a_replaced_owner_cannot_append_with_any_producer
    an_owner_overtaken_during_its_claim_cannot_announce_itself
    outcomes_contain_the_offsets_of_the_events_committed_with_them
    the_command_offset_is_committed_with_the_events_or_not_at_all
    outcomes_can_be_committed_without_events
    every_owner_has_a_higher_epoch_even_after_an_owner_without_writes
    an_owner_is_confirmed_until_a_newer_one_has_announced_itself
    an_observer_learns_of_the_newest_owner
    a_concurrent_reader_does_not_disturb_the_owner
    reads_and_claims_beyond_the_end_of_the_log_are_refused
    a_released_owner_can_no_longer_append
}

/// Initialised producers that fence all others, outside the protocol.
fn fencing<B: Broker>(broker: &mut B) -> Vec<B::Producer> {
    let mut producers = broker.connect(2).unwrap();
    producers.iter_mut().try_for_each(Producer::init).unwrap();
    producers
}

fn keys<W: World>(world: &W) -> Vec<String> {
    world.events().into_iter().map(|(_, aggregate)| aggregate).collect()
}

fn a_claim_reads_everything_committed<W: World>(world: &W) {
    let mut first = Owner::over(world.broker(), "one:1").unwrap();
    assert!(first.replayed.is_empty());
    let mut committed = first.append(&["a", "b"]).unwrap();
    committed.extend(first.append(&["c"]).unwrap());
    for aborted in &mut fencing(&mut world.broker()) {
        aborted.begin(LONG).unwrap();
        aborted.send_events(&[record("aborted", 9, 4)]).unwrap();
    }
    let mut second = Owner::over(world.broker(), "two:2").unwrap();
    assert_eq!(offsets(&second.replayed), committed);
    committed.extend(second.append(&["d", "e"]).unwrap());
    assert_eq!(offsets(&Owner::over(world.broker(), "three:3").unwrap().replayed), committed);
    let seen: Vec<_> = world.events().into_iter().map(|(offset, _)| offset).collect();
    assert_eq!(seen, committed);
}

fn an_owner_replaced_between_send_and_commit_leaves_nothing<W: World>(world: &W) {
    for turn in 0..2 {
        let first = &mut fencing(&mut world.broker())[turn];
        first.begin(LONG).unwrap();
        first.send_events(&[record("a", 1, 1)]).unwrap();
        first.send_outcomes(&[outcome("a", 0)]).unwrap();
        first.send_offset(7).unwrap();
        let second = Owner::over(world.broker(), "two:2").unwrap();
        assert!(second.replayed.is_empty());
        assert_eq!(second.next_command, 0);
        let fenced = error(first.commit());
        assert!(fenced.is_fenced(), "{fenced}");
    }
    assert_eq!((world.events(), world.outcomes()), (vec![], vec![]));
}

fn a_replaced_owner_cannot_append_with_any_producer<W: World>(world: &W) {
    for appends_before in 0..2 {
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
    assert_eq!(keys(world), ["after", "before", "after"]);
}

fn an_owner_overtaken_during_its_claim_cannot_announce_itself<W: World>(world: &W) {
    let overtaking = world.broker();
    let overtake = || drop(Owner::over(overtaking, "quick:1").unwrap());
    let slow = Owner::over(Interrupted(world.broker(), Some(overtake)), "slow:1");
    assert!(slow.map(drop).unwrap_err().is_fenced());
    assert_eq!(world.announced(), ["quick:1"]);
}

fn outcomes_contain_the_offsets_of_the_events_committed_with_them<W: World>(world: &W) {
    let mut owner = Owner::over(world.broker(), "one:1").unwrap();
    let mut expected = Vec::new();
    for (aggregate, next_command) in [("a", 1), ("b", 2), ("c", 5)] {
        let offset = owner.decide_commands(aggregate, next_command).unwrap()[0];
        expected.push((aggregate.to_owned(), format!("{{\"offset\":{offset}}}")));
    }
    assert_eq!(world.outcomes(), expected);
    assert_eq!(keys(world), ["a", "b", "c"]);
}

fn the_command_offset_is_committed_with_the_events_or_not_at_all<W: World>(world: &W) {
    let mut first = Owner::over(world.broker(), "one:1").unwrap();
    assert_eq!(first.next_command, 0);
    for next_command in [3, 4] {
        first.decide_commands("a", next_command).unwrap();
    }
    first.append(&["b"]).unwrap();
    let mut second = Owner::over(world.broker(), "two:2").unwrap();
    assert_eq!(second.next_command, 4);
    error(first.decide_commands("too-late", 9));
    second.append(&["c"]).unwrap();
    assert_eq!(Owner::over(world.broker(), "three:3").unwrap().next_command, 4);
    assert_eq!(keys(world), ["a", "a", "b", "c"]);
    assert_eq!(world.outcomes().len(), 2);
}

fn outcomes_can_be_committed_without_events<W: World>(world: &W) {
    let mut owner = Owner::over(world.broker(), "one:1").unwrap();
    let outcomes = |offsets: &[i64]| {
        assert!(offsets.is_empty());
        vec![outcome("refused", -1)]
    };
    let batch = event_log::Batch { events: &[], outcomes: &outcomes, next_command: Some(1) };
    assert!(owner.log.append(&batch).unwrap().is_empty());
    assert_eq!(world.outcomes().len(), 1);
    assert_eq!(Owner::over(world.broker(), "two:2").unwrap().next_command, 1);
}

fn every_owner_has_a_higher_epoch_even_after_an_owner_without_writes<W: World>(world: &W) {
    let epochs: Vec<_> = (0..4).map(|_| Owner::over(world.broker(), "one:1").unwrap().epoch).collect();
    assert!(epochs.is_sorted_by(|one, next| one < next), "{epochs:?}");
    assert_eq!(epochs[0], 1);
}

fn an_owner_is_confirmed_until_a_newer_one_has_announced_itself<W: World>(world: &W) {
    let mut first = Owner::over(world.broker(), "one:1").unwrap();
    first.append(&["a"]).unwrap();
    first.log.confirm().unwrap();
    let newer = &mut fencing(&mut world.broker())[0];
    first.log.confirm().unwrap();
    newer.begin(LONG).unwrap();
    newer.announce("two:2").unwrap();
    newer.commit().unwrap();
    for _ in 0..2 {
        assert!(matches!(error(first.log.confirm()), LogError::Replaced));
    }
    assert!(first.log.newest_epoch().unwrap() > first.epoch);
}

fn an_observer_learns_of_the_newest_owner<W: World>(world: &W) {
    let mut event_tail = FencedLog::over(world.broker(), "observer:1".to_owned(), LONG);
    assert_eq!(event_tail.newest_epoch().unwrap(), 0);
    for address in ["one:1", "two:2"] {
        let owner = Owner::over(world.broker(), address).unwrap();
        assert_eq!(event_tail.newest_epoch().unwrap(), owner.epoch);
    }
    assert!(matches!(error(event_tail.confirm()), LogError::NotClaimed));
}

fn a_concurrent_reader_does_not_disturb_the_owner<W: World>(world: &W) {
    let mut owner = Owner::over(world.broker(), "one:1").unwrap();
    let mut event_tail = FencedLog::over(world.broker(), "observer:1".to_owned(), LONG);
    let (mut next, mut read) = (0, Vec::new());
    let deadline = Instant::now() + LONG;
    for group in [&["a"][..], &["b", "c"], &["d"]] {
        let last = owner.append(group).unwrap()[group.len() - 1];
        // Consumers see a commit a moment after the owner.
        while next <= last {
            assert!(Instant::now() < deadline, "committed events can be read");
            event_tail
                .read(next, &mut |recorded| {
                    next = recorded.position.offset + 1;
                    read.push(recorded.envelope.aggregate_id.to_string());
                    Ok(())
                })
                .unwrap();
        }
    }
    assert_eq!(read, ["a", "b", "c", "d"]);
}

fn reads_and_claims_beyond_the_end_of_the_log_are_refused<W: World>(world: &W) {
    let mut owner = Owner::over(world.broker(), "one:1").unwrap();
    let committed = owner.append(&["a"]).unwrap()[0];
    let mut other = FencedLog::over(world.broker(), "two:1".to_owned(), LONG);
    let beyond = |refused: LogError| {
        assert!(!refused.is_transient());
        let LogError::BeyondEnd { next, end } = refused else { panic!("{refused}") };
        // The commit marker may appear a moment later.
        assert!(next == 1_000 && (committed + 1..=committed + 2).contains(&end), "{refused}");
    };
    beyond(error(other.read(1_000, &mut |_| Ok(()))));
    beyond(error(other.claim(1_000, &mut |_| Ok(()))));
    // The owner was not fenced.
    owner.append(&["b"]).unwrap();
    owner.log.confirm().unwrap();
    assert_eq!(world.announced(), ["one:1"]);

    let reached = world.broker().end().unwrap();
    other.read(reached, &mut |_| panic!("there are no events")).unwrap();
    other.claim(reached, &mut |_| panic!("there are no events")).unwrap();
}

fn a_released_owner_can_no_longer_append<W: World>(world: &W) {
    let mut owner = Owner::over(world.broker(), "one:1").unwrap();
    owner.log.release();
    assert!(matches!(error(owner.append(&["a"])), LogError::NotClaimed));
    assert!(matches!(error(owner.log.confirm()), LogError::NotClaimed));
    assert!(world.events().is_empty());
}
