//! One schedule: a broker, a few instances, clients and misfortune, all in the order that a seed gives.

mod events;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use command_engine::{AggregateCache, CacheSettings, NoSnapshots};
use event_log::{FencedLog, simulated::SimulatedKafka};
use generator::{Generator, Gn};

use crate::{
    account::Account,
    broker::Client,
    check,
    clients::Clients,
    dice::Dice,
    flaw::Flaw,
    instance::Instance,
    log::Log,
    mailbox::Mailbox,
    snapshots::Shelf,
    stage::{Moment, Stage},
};

/// How large the stack of an instance is, in words.
const STACK: usize = 0x8000;
/// More than this many turns after everything is healed is a livelock.
const PATIENCE: usize = 20_000;

pub(crate) struct World {
    pub(crate) stage: Stage,
    pub(crate) simulated: SimulatedKafka,
    pub(crate) clients: Clients,
    flaw: Option<Flaw>,
    drivers: Vec<Driver>,
    /// How likely each of what may happen beside the instances' steps is.
    weather: Weather,
    /// Of how many turns of an instance one is followed by another's.
    restless: usize,
    current: usize,
    shelf: Option<Shelf>,
    small: bool,
}

struct Driver {
    run: Generator<'static, (), Moment>,
    frozen: bool,
    last: Moment,
}

/// Weights: late requests arrive, transactions expire, commits become visible, the group wishes otherwise, a crash, a
/// pause, a late save, snapshots set back, a delivery.
type Weather = [usize; 9];

/// Runs a schedule to its end and checks it.
pub(crate) fn run(seed: u64, flaw: Option<Flaw>, traced: bool) -> (World, Result<(), String>) {
    let mut world = World::new(seed, flaw, traced);
    let passed = catch_unwind(AssertUnwindSafe(|| {
        world.chaos();
        world.heal()?;
        check::all(&world)
    }));
    (world, passed.unwrap_or_else(|panic| Err(message(&*panic))))
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
}

impl World {
    fn new(seed: u64, flaw: Option<Flaw>, traced: bool) -> Self {
        let mut dice = Dice::new(seed);
        let instances = 2 + dice.below(2);
        let faults = dice.pick(&[0, 10, 30, 60]);
        let stormy = dice.pick(&[0, 1, 2]);
        let restless = dice.pick(&[1, 2, 4, 12, 40]);
        let late = dice.one_in(2);
        let shelf = dice.one_in(2).then(|| Shelf::new(late));
        let stage = Stage::new(Dice::new(dice.next()), faults, instances, traced);
        let clients = Clients::new(&stage, &mut dice);
        let mut world = Self {
            clients,
            simulated: SimulatedKafka::default(),
            flaw,
            drivers: Vec::new(),
            weather: [3, stormy, 2, 3 + stormy, stormy, 3, 6, usize::from(stormy > 1), 6],
            restless,
            current: 0,
            small: shelf.is_some() && !late,
            shelf,
            stage,
        };
        world.drivers = (0..instances).map(|number| world.driver(number)).collect();
        world.with(0, Mailbox::own);
        world
    }

    fn driver(&self, number: usize) -> Driver {
        let stage = self.stage.clone();
        let broker = self.simulated.broker(number, Arc::new(stage.clone()));
        let client = Client { broker, stage: stage.clone(), flaw: self.flaw, early: 0 };
        let log = Log::new(FencedLog::over(client, format!("{number}:1"), Duration::ZERO), self.flaw);
        let instance = Instance::new(number, stage, log, self.cache(), self.flaw);
        let run = Gn::new_opt(STACK, move || instance.run());
        Driver { run, frozen: false, last: Moment::Busy }
    }

    fn cache(&self) -> AggregateCache<Account> {
        let settings = CacheSettings {
            // A full cache waits for its saves, so they must not be late where it is small.
            max_aggregates: if self.small { 2 } else { 1_000 },
            save_changes: 1,
            save_interval: Duration::from_hours(24),
            load_pause: Duration::ZERO,
        };
        match &self.shelf {
            Some(store) => AggregateCache::new(Box::new(store.clone()), settings),
            None => AggregateCache::new(Box::new(NoSnapshots), settings),
        }
    }

    /// Everything happens that can.
    fn chaos(&mut self) {
        for _ in 0..150 + self.below(250) {
            let turn = self.stage.lock().dice.weigh(&[75, 12, 8]);
            match turn {
                0 => self.step(),
                1 => self.clients.act(self.simulated.committed()),
                _ => self.disturb(),
            }
            self.clients.hear(|| self.simulated.committed());
        }
    }

    /// Lets an instance go on, more often than not the one that did last.
    fn step(&mut self) {
        let others = self.stage.lock().dice.one_in(self.restless);
        if others || self.drivers[self.current].frozen {
            self.current = self.below(self.drivers.len());
        }
        if !self.drivers[self.current].frozen {
            self.resume(self.current);
        }
    }

    fn resume(&mut self, number: usize) {
        let driver = &mut self.drivers[number];
        driver.last = driver.run.resume().expect("an instance runs until it is dropped");
    }

    /// Nothing fails any more and the group agrees on an owner: everything must come to its end.
    fn heal(&mut self) -> Result<(), String> {
        self.note("all heals");
        self.stage.lock().faults = 0;
        self.simulated.expire_transactions();
        self.drivers.iter_mut().for_each(|driver| driver.frozen = false);
        let owner = self.below(self.drivers.len());
        (0..self.drivers.len())
            .filter(|number| *number != owner)
            .for_each(|it| self.with(it, Mailbox::hand_over));
        self.with(owner, Mailbox::own);
        for turn in 0..PATIENCE {
            let number = self.below(self.drivers.len());
            self.resume(number);
            if turn % 5 == 0 {
                self.settle_save();
                self.simulated.show_commits();
            }
            self.deliver(owner);
            self.clients.hear(|| self.simulated.committed());
            if self.clients.finish(self.simulated.committed()) && self.is_quiet(owner) {
                return Ok(());
            }
        }
        Err("it never comes to an end".to_owned())
    }

    fn is_quiet(&self, owner: usize) -> bool {
        let settled = self.simulated.next_command().unwrap_or(0);
        usize::try_from(settled) == Ok(self.clients.topic.len())
            && self.drivers.iter().all(|driver| driver.last == Moment::Resting)
            && self.stage.lock().desks[owner].owns()
    }

    fn with(&self, number: usize, change: impl FnOnce(&mut Mailbox)) {
        change(&mut self.stage.lock().desks[number]);
    }

    fn below(&self, end: usize) -> usize {
        self.stage.lock().dice.below(end)
    }

    fn note(&self, line: &str) {
        self.stage.note(|| line.to_owned());
    }
}
