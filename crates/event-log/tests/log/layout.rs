//! Changes of the number of shards, tested against each broker.

use event_log::{FencedLog, Layout, LayoutBroker, LogError, ShardLog, change_layout};

use crate::{
    support::{Owner, error},
    worlds::{Interrupted, Interruption, World, contract, sorted},
};

contract! {
    an_owner_of_the_old_layout_is_fenced_and_cannot_claim_again
    an_owner_of_the_old_layout_is_not_confirmed
    a_claim_during_which_the_change_happens_does_not_succeed
    a_claim_that_was_about_to_announce_itself_is_fenced
    nothing_can_be_claimed_until_the_change_has_succeeded
    epochs_of_the_new_layout_are_higher_than_all_before
    the_old_number_of_shards_can_be_restored
    a_change_that_failed_can_be_repeated_with_another_number
    an_earlier_change_cannot_go_on_after_a_later_one_has_begun
    a_change_to_the_present_number_changes_nothing
}

/// The number of shards after a change.
const fn changed<W: World>() -> i32 {
    W::SHARDS + 1
}

fn change<W: World>(world: &W) -> Layout {
    change_layout(&mut world.layout(), changed::<W>()).unwrap()
}

/// The change, for another thread.
fn change_later<W: World>(world: &W) -> impl FnOnce() + Send + 'static + use<W> {
    let mut layout = world.layout();
    move || {
        change_layout(&mut layout, changed::<W>()).unwrap();
    }
}

fn assert_refused<W: World>(refused: &LogError) {
    let LogError::OtherLayout { configured, .. } = refused else { panic!("{refused}") };
    assert_eq!(*configured, W::SHARDS);
    assert!(refused.is_transient(), "an operator may still restore the old number");
}

fn aggregates<W: World>(world: &W) -> Vec<String> {
    sorted(world.events().into_iter().map(|(_, aggregate)| aggregate))
}

fn an_owner_of_the_old_layout_is_fenced_and_cannot_claim_again<W: World>(world: &W) {
    // An owner for each of the producers, which take turns.
    for appended in [vec![], vec!["a"], vec!["a", "a"]] {
        let mut old = Owner::over(world.broker(), "old:1").unwrap();
        for aggregate in appended {
            old.append(&[aggregate]).unwrap();
        }
        change(world);
        let fenced = error(old.append(&["too-late"]));
        assert!(fenced.is_fenced(), "{fenced}");
        assert_refused::<W>(&error(Owner::over(world.broker(), "old:1").map(drop)));
        change_layout(&mut world.layout(), W::SHARDS).unwrap();
    }
    assert_eq!(aggregates(world), ["a", "a", "a"]);
}

fn an_owner_of_the_old_layout_is_not_confirmed<W: World>(world: &W) {
    let mut old = Owner::over(world.broker(), "old:1").unwrap();
    old.log.confirm().unwrap();
    change(world);
    assert!(matches!(error(old.log.confirm()), LogError::Replaced));
    // Not even if its number of shards is restored and its place in the owners topic is as it was.
    change_layout(&mut world.layout(), W::SHARDS).unwrap();
    let _new = Owner::over(world.broker(), "new:1").unwrap();
    assert!(matches!(error(old.log.confirm()), LogError::Replaced));
}

fn a_claim_during_which_the_change_happens_does_not_succeed<W: World>(world: &W) {
    let interrupt = change_later(world);
    let slow = Owner::over(Interrupted::new(world.broker(), Interruption::Layout, interrupt), "slow:1");
    assert_refused::<W>(&error(slow.map(drop)));
    assert!(world.announced().is_empty());
}

fn a_claim_that_was_about_to_announce_itself_is_fenced<W: World>(world: &W) {
    let interrupt = change_later(world);
    let slow = Owner::over(Interrupted::new(world.broker(), Interruption::End, interrupt), "slow:1");
    let fenced = slow.map(drop).unwrap_err();
    assert!(fenced.is_fenced(), "{fenced}");
    assert!(world.announced().is_empty());
}

fn nothing_can_be_claimed_until_the_change_has_succeeded<W: World>(world: &W) {
    let mut layout = world.layout();
    let present = layout.layout().unwrap();
    assert_eq!(present, Layout::first(W::SHARDS));
    layout.record(Layout { shards: changed::<W>(), replaces: Some(W::SHARDS), ..present }).unwrap();
    for shards in [W::SHARDS, changed::<W>()] {
        let refused = Owner::over(world.broker_with(shards), "early:1").map(drop).unwrap_err();
        assert!(refused.to_string().contains("is being changed"), "{refused}");
    }
    change(world);
    Owner::over(world.broker_with(changed::<W>()), "new:1").unwrap();
}

fn epochs_of_the_new_layout_are_higher_than_all_before<W: World>(world: &W) {
    let mut highest = 0;
    for address in ["one:1", "two:1", "three:1"] {
        highest = Owner::over(world.broker(), address).unwrap().epoch;
    }
    let floor = change(world).epoch_floor;
    assert!(floor >= highest, "{floor} {highest}");
    let broker = world.broker_with(changed::<W>());
    let mut observer = FencedLog::over(broker, "observer:1".to_owned(), std::time::Duration::ZERO);
    let mut new = Owner::over(world.broker_with(changed::<W>()), "new:1").unwrap();
    assert!(new.epoch > highest);
    new.append(&["a"]).unwrap();
    new.log.confirm().unwrap();
    assert_eq!(observer.newest_epoch().unwrap(), new.epoch);
}

fn the_old_number_of_shards_can_be_restored<W: World>(world: &W) {
    let mut first = Owner::over(world.broker(), "first:1").unwrap();
    first.append(&["a"]).unwrap();
    let mut second = change(world);
    let mut between = Owner::over(world.broker_with(changed::<W>()), "second:1").unwrap();
    between.append(&["b"]).unwrap();
    let third = change_layout(&mut world.layout(), W::SHARDS).unwrap();
    assert!(error(between.append(&["too-late"])).is_fenced());
    second.number += 1;
    assert_eq!((third.number, third.shards, third.is_active()), (second.number, W::SHARDS, true));
    let mut last = Owner::over(world.broker(), "last:1").unwrap();
    assert!(last.epoch > between.epoch);
    last.append(&["c"]).unwrap();
    assert_eq!(aggregates(world), ["a", "b", "c"]);
}

fn a_change_that_failed_can_be_repeated_with_another_number<W: World>(world: &W) {
    let mut old = Owner::over(world.broker(), "old:1").unwrap();
    let mut failing = FailsToFence(world.layout());
    assert!(matches!(error(change_layout(&mut failing, changed::<W>())), LogError::Planted));
    drop(failing);
    old.append(&["not-fenced-yet"]).unwrap();
    let other = changed::<W>() + 1;
    let layout = change_layout(&mut world.layout(), other).unwrap();
    assert_eq!((layout.shards, layout.is_active()), (other, true));
    assert!(error(old.append(&["too-late"])).is_fenced());
    assert!(layout.epoch_floor >= old.epoch);
}

fn an_earlier_change_cannot_go_on_after_a_later_one_has_begun<W: World>(world: &W) {
    let mut earlier = world.layout();
    let later = change(world);
    let fenced = error(earlier.record(Layout { number: 9, ..later }));
    assert!(fenced.is_fenced(), "{fenced}");
    assert_eq!(world.layout().layout().unwrap(), later);
}

fn a_change_to_the_present_number_changes_nothing<W: World>(world: &W) {
    let mut owner = Owner::over(world.broker(), "one:1").unwrap();
    assert_eq!(change_layout(&mut world.layout(), W::SHARDS).unwrap(), Layout::first(W::SHARDS));
    owner.append(&["a"]).unwrap();
    owner.log.confirm().unwrap();
}

/// A layout whose change fails before any owner is fenced.
struct FailsToFence<L>(L);

impl<L: LayoutBroker> LayoutBroker for FailsToFence<L> {
    fn layout(&mut self) -> Result<Layout, LogError> {
        self.0.layout()
    }

    fn record(&mut self, layout: Layout) -> Result<(), LogError> {
        self.0.record(layout)
    }

    fn fence(&mut self, _shards: i32) -> Result<(), LogError> {
        Err(LogError::Planted)
    }

    fn highest_epoch(&mut self, floor: u64) -> Result<u64, LogError> {
        self.0.highest_epoch(floor)
    }

    fn divide_owners(&mut self, shards: i32) -> Result<(), LogError> {
        self.0.divide_owners(shards)
    }
}
