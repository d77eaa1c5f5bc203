//! Claims and reads receive every committed event, and nothing else.

use std::time::Instant;

use event_log::{Broker, FencedLog, LogError, Offsets, Producer, ShardLog};

use super::{TIMEOUT, fence_all, partitions};
use crate::{
    support::{Owner, error, locations, record},
    worlds::{World, contract, sorted},
};

contract! {
    a_claim_reads_all_committed_events
    a_claim_reads_every_partition_from_its_own_offset_to_its_end
    a_concurrent_reader_does_not_disturb_the_owner
    reads_and_claims_beyond_the_end_of_the_log_are_refused
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
