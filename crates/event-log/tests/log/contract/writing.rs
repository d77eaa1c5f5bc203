//! What a batch writes is committed together or not at all.

use event_log::{Batch, Offsets, Producer, ShardLog};

use super::{TIMEOUT, fence_all, keys, partitions};
use crate::{
    support::{Owner, error, locations, outcome, record},
    worlds::{World, contract},
};

contract! {
    events_of_two_partitions_are_committed_together_or_not_at_all
    outcomes_contain_the_offsets_of_the_events_committed_with_them
    the_command_offset_is_committed_with_the_events_or_not_at_all
    outcomes_can_be_committed_without_events
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
