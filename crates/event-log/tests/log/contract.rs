//! The contract of a shard's owners, tested against each broker. The shard has two partitions.

use std::time::{Duration, Instant};

use event_log::{Batch, Broker, FencedLog, LogError, Offsets, PRODUCERS, Producer, ShardLog};

use crate::{
    support::{Owner, error, locations, outcome, record},
    worlds::{Interrupted, Interruption, World, contract, sorted},
};

const TIMEOUT: Duration = Duration::from_secs(10);

contract! {
    a_claim_reads_all_committed_events
    a_claim_reads_every_partition_from_its_own_offset_to_its_end
    events_of_two_partitions_are_committed_together_or_not_at_all
    an_owner_replaced_between_send_and_commit_leaves_nothing
    a_replaced_owner_cannot_append_with_any_producer
    a_replaced_owner_cannot_append_to_any_partition
    an_owner_overtaken_during_its_claim_cannot_announce_itself
    outcomes_contain_the_offsets_of_the_events_committed_with_them
    the_command_offset_is_committed_with_the_events_or_not_at_all
    outcomes_can_be_committed_without_events
    every_owner_has_a_higher_epoch_even_after_an_owner_without_writes
    an_epoch_is_higher_than_that_of_any_event_in_any_partition
    an_owner_is_confirmed_until_a_newer_one_has_announced_itself
    an_observer_finds_the_newest_epoch
    a_concurrent_reader_does_not_disturb_the_owner
    reads_and_claims_beyond_the_end_of_the_log_are_refused
    a_released_owner_can_no_longer_append
}

/// Initialises producers outside the protocol, which fences all others.
fn fence_all<B: Broker>(broker: &mut B) -> Vec<B::Producer> {
    let mut producers = broker.connect(PRODUCERS).unwrap();
    producers.iter_mut().try_for_each(Producer::init).unwrap();
    producers
}

/// The two partitions of the shard.
fn partitions<W: World>(world: &W) -> [i32; 2] {
    world.broker().partitions().try_into().unwrap()
}

/// The aggregates of the committed events, in ascending order.
fn keys<W: World>(world: &W) -> Vec<String> {
    sorted(world.events().into_iter().map(|(_, aggregate)| aggregate))
}

fn a_claim_reads_all_committed_events<W: World>(world: &W) {
    let mut first = Owner::over(world.broker(), "one:1").unwrap();
    assert!(first.replayed.is_empty());
    let mut committed = first.append_and_locate(&["a", "b"]).unwrap();
    committed.extend(first.append_and_locate(&["c"]).unwrap());
    for aborted in &mut fence_all(&mut world.broker()) {
        aborted.begin(TIMEOUT).unwrap();
        let records = partitions(world).map(|partition| record(partition, "aborted", 9, 4));
        aborted.send_events(&records).unwrap();
    }
    let mut second = Owner::over(world.broker(), "two:2").unwrap();
    assert_eq!(locations(&second.replayed), sorted(committed.clone()));
    committed.extend(second.append_and_locate(&["d", "e"]).unwrap());
    let third = Owner::over(world.broker(), "three:3").unwrap();
    assert_eq!(locations(&third.replayed), sorted(committed.clone()));
    assert_eq!(
        world.events().into_iter().map(|(location, _)| location).collect::<Vec<_>>(),
        sorted(committed)
    );
}

fn a_claim_reads_every_partition_from_its_own_offset_to_its_end<W: World>(world: &W) {
    let mut first = Owner::over(world.broker(), "one:1").unwrap();
    let read = first.append_and_locate(&["a", "b", "a", "a"]).unwrap();
    let [one, other] = [read[3], read[1]];
    // The tails differ in length, and one of the partitions ends with a record of the other's transaction.
    let mut unread = first.append_and_locate(&["b", "a", "b"]).unwrap();
    unread.extend(first.append_and_locate(&["b"]).unwrap());
    let next = Offsets::from([one, other].map(|(partition, offset)| (partition, offset + 1)));
    let second = Owner::over_from(world.broker(), "two:2", &next).unwrap();
    assert_eq!(locations(&second.replayed), sorted(unread.clone()));
    // A partition without an offset is read from its beginning.
    let next = Offsets::from([(other.0, other.1 + 1)]);
    let third = Owner::over_from(world.broker(), "three:3", &next).unwrap();
    unread.extend(read.iter().filter(|location| location.0 == one.0));
    assert_eq!(locations(&third.replayed), sorted(unread));
}

fn events_of_two_partitions_are_committed_together_or_not_at_all<W: World>(world: &W) {
    let both = |sequence| partitions(world).map(|partition| record(partition, "a", 1, sequence));
    for aborted in &mut fence_all(&mut world.broker()) {
        aborted.begin(TIMEOUT).unwrap();
        assert_eq!(aborted.send_events(&both(1)).unwrap().len(), 2);
    }
    let mut owner = Owner::over(world.broker(), "one:1").unwrap();
    assert!(owner.replayed.is_empty());
    let offsets = owner.log.append(&Batch::events(&both(1))).unwrap();
    let committed: Vec<_> = partitions(world).into_iter().zip(offsets).collect();
    assert_eq!(world.events().into_iter().map(|(location, _)| location).collect::<Vec<_>>(), committed);
    assert_eq!(locations(&Owner::over(world.broker(), "two:2").unwrap().replayed), committed);
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
    let [one, other] = partitions(world);
    let mut first = Owner::over(world.broker(), "one:1").unwrap();
    assert_eq!(first.next_commands, Offsets::from([(one, 0), (other, 0)]));
    for next_command in [3, 4] {
        first.decide_commands("a", next_command).unwrap();
    }
    first.append(&["b"]).unwrap();
    let mut expected = first.next_commands.clone();
    expected.insert(first.partition_of("a"), 4);
    let mut second = Owner::over(world.broker(), "two:2").unwrap();
    assert_eq!(second.next_commands, expected);
    error(first.decide_commands("too-late", 9));
    second.append(&["c"]).unwrap();
    second.decide_commands("b", 2).unwrap();
    expected.insert(second.partition_of("b"), 2);
    assert_eq!(Owner::over(world.broker(), "three:3").unwrap().next_commands, expected);
    assert_eq!(keys(world), ["a", "a", "b", "b", "c"]);
    assert_eq!(world.outcomes().len(), 3);
}

fn outcomes_can_be_committed_without_events<W: World>(world: &W) {
    let [one, other] = partitions(world);
    let mut owner = Owner::over(world.broker(), "one:1").unwrap();
    let outcomes = |offsets: &[i64]| {
        assert!(offsets.is_empty());
        vec![outcome(other, "refused", -1)]
    };
    let next_commands = Offsets::from([(other, 1)]);
    let batch = Batch { events: &[], outcomes: &outcomes, next_commands: &next_commands };
    assert!(owner.log.append(&batch).unwrap().is_empty());
    assert_eq!(world.outcomes().len(), 1);
    let next = Owner::over(world.broker(), "two:2").unwrap().next_commands;
    assert_eq!(next, Offsets::from([(one, 0), (other, 1)]));
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

fn a_concurrent_reader_does_not_disturb_the_owner<W: World>(world: &W) {
    let mut owner = Owner::over(world.broker(), "one:1").unwrap();
    let mut observer = FencedLog::over(world.broker(), "observer:1".to_owned(), TIMEOUT);
    let (mut next, mut read, mut committed) = (Offsets::new(), Vec::new(), Vec::new());
    let deadline = Instant::now() + TIMEOUT;
    for group in [&["a"][..], &["b", "c"], &["d"]] {
        committed.extend(owner.append_and_locate(group).unwrap());
        // A commit becomes visible to consumers shortly after it has returned to the owner.
        while read.len() < committed.len() {
            assert!(Instant::now() < deadline, "the committed events cannot be read in time");
            let mut reached = next.clone();
            observer
                .read(&next, &mut |recorded| {
                    let (partition, offset) = (recorded.position.partition, recorded.position.offset);
                    reached.insert(partition, offset + 1);
                    read.push((partition, offset));
                    Ok(())
                })
                .unwrap();
            next = reached;
        }
    }
    assert_eq!(sorted(read), sorted(committed));
}

fn reads_and_claims_beyond_the_end_of_the_log_are_refused<W: World>(world: &W) {
    let mut owner = Owner::over(world.broker(), "one:1").unwrap();
    for (partition, committed) in owner.append_and_locate(&["a", "b"]).unwrap() {
        let mut other = FencedLog::over(world.broker(), "two:1".to_owned(), TIMEOUT);
        let assert_beyond_end = |refused: LogError| {
            assert!(!refused.is_transient());
            let LogError::BeyondEnd { partition: found, next, end } = refused else { panic!("{refused}") };
            // The commit marker may become visible a little later.
            assert!(next == 1_000 && (committed + 1..=committed + 2).contains(&end), "{refused}");
            assert_eq!(found, partition);
        };
        let next = Offsets::from([(partition, 1_000)]);
        assert_beyond_end(error(other.read(&next, &mut |_| Ok(()))));
        assert_beyond_end(error(other.claim(&next, &mut |_| Ok(()))));
    }
    // The owner was not fenced.
    owner.append(&["a", "b"]).unwrap();
    owner.log.confirm().unwrap();
    assert_eq!(world.announced(), ["one:1"]);

    let mut broker = world.broker();
    let reached =
        partitions(world).map(|partition| (partition, broker.end(partition).unwrap())).into_iter().collect();
    let mut other = FencedLog::over(broker, "two:1".to_owned(), TIMEOUT);
    other.read(&reached, &mut |_| panic!("there are no events")).unwrap();
    other.claim(&reached, &mut |_| panic!("there are no events")).unwrap();
}

fn a_released_owner_can_no_longer_append<W: World>(world: &W) {
    let mut owner = Owner::over(world.broker(), "one:1").unwrap();
    owner.log.release();
    assert!(matches!(error(owner.append(&["a"])), LogError::NotClaimed));
    assert!(matches!(error(owner.log.confirm()), LogError::NotClaimed));
    assert!(world.events().is_empty());
}
