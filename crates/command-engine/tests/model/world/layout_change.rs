//! A change of the number of shards, while instances of the old layout may wake up and those of the new one may start at
//! any moment.

use std::sync::Arc;

use event_log::{
    Broker, Layout, LayoutBroker, LogError, PRODUCERS, Producer, change_layout,
    simulated::{SimulatedBroker, SimulatedLayout},
};

use super::{World, instance::Thread};
use crate::{
    planted_bug::PlantedBug,
    scheduler::{Yielded, is_owner, yield_now},
};

/// The number by which traces show the steps of a change.
const NUMBER: usize = 9;

pub(super) struct LayoutChange {
    /// The new number of shards.
    pub(super) shards: i32,
    thread: Thread,
}

impl World {
    pub(super) fn broker(&self, number: usize) -> SimulatedBroker {
        self.simulated.broker(number, Arc::new(self.scheduler.clone()))
    }

    /// Begins a change, if there is an owner. Some instances do not run during it, but none has ended.
    pub(super) fn change_layout(&mut self) {
        let has_owner = (0..self.instances.len()).any(|number| is_owner(&self.mailbox(number)));
        if !self.may_change_layout || !has_owner {
            return;
        }
        self.may_change_layout = false;
        // Two layouts take turns, so that instances of a layout meet one of the same number later.
        let (shards, broker, bug) = (3 - self.shards, self.broker(NUMBER), self.bug);
        self.note(&format!("the number of shards is changed to {shards}"));
        for number in 0..self.instances.len() {
            self.instances[number].frozen |= self.scheduler.lock().random.one_in(2);
        }
        let thread = Thread::new(move || {
            while let Err(_failed) = change(&broker, shards, bug) {
                yield_now(Yielded::Busy);
            }
        });
        self.layout_change = Some(LayoutChange { shards, thread });
        if self.scheduler.lock().random.one_in(2) {
            // An instance is started too early.
            let early = self.below(self.instances.len());
            self.crash(early);
            self.mailbox(early).own();
        }
    }

    /// Takes a step of the change. When it is done, an instance is started again with the new number, and is to own the
    /// shard.
    pub(super) fn go_on_with_layout_change(&mut self) {
        if !self.scheduler.lock().random.one_in(2) {
            return;
        }
        let Some(change) = &mut self.layout_change else { return };
        change.thread.resume();
        if change.thread.is_done() {
            self.shards = change.shards;
            self.layout_change = None;
            self.note("the number of shards is changed");
            let owner = self.below(self.instances.len());
            self.crash(owner);
            self.mailbox(owner).own();
            self.may_change_layout = self.scheduler.lock().random.one_in(2);
        }
    }

    /// Finishes the change, and starts all instances again that are of another layout.
    pub(super) fn finish_layout_change(&mut self) {
        while self.layout_change.is_some() {
            self.simulated.show_commits();
            self.go_on_with_layout_change();
        }
        for number in 0..self.instances.len() {
            if self.instances[number].shards != self.shards {
                self.crash(number);
            }
        }
    }
}

fn change(broker: &SimulatedBroker, shards: i32, bug: Option<PlantedBug>) -> Result<Layout, LogError> {
    let layout = SimulatedLayout::open(broker)?;
    change_layout(&mut WithBug { layout, broker: broker.clone(), bug }, shards)
}

/// A layout that is changed with a planted bug.
struct WithBug {
    layout: SimulatedLayout,
    broker: SimulatedBroker,
    bug: Option<PlantedBug>,
}

impl LayoutBroker for WithBug {
    fn layout(&mut self) -> Result<Layout, LogError> {
        self.layout.layout()
    }

    fn record(&mut self, layout: Layout) -> Result<(), LogError> {
        let is_early = self.bug == Some(PlantedBug::RecordsTheLayoutEarly);
        let replaces = layout.replaces.filter(|_| !is_early);
        self.layout.record(Layout { replaces, ..layout })
    }

    fn fence(&mut self, shards: i32) -> Result<(), LogError> {
        if self.bug != Some(PlantedBug::LeavesALayoutUnfenced) {
            return self.layout.fence(shards);
        }
        let mut producers = self.broker.clone().with_shards(shards).connect(PRODUCERS)?;
        // An owner that has just announced itself sends its first group with the second id.
        [0, 2].into_iter().try_for_each(|index| producers[index].init())
    }

    fn highest_epoch(&mut self, floor: u64) -> Result<u64, LogError> {
        self.layout.highest_epoch(floor)
    }

    fn divide_owners(&mut self, shards: i32) -> Result<(), LogError> {
        self.layout.divide_owners(shards)
    }
}
