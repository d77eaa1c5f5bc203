//! One schedule: a broker, a few instances, clients and faults, in an order derived from a seed.

mod disturbances;
mod group_without_events;
mod instance;
mod layout_change;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use command_engine::protocol::Mailbox;
use event_log::simulated::SimulatedKafka;

use crate::{
    account::{Account, SHARDS},
    check,
    clients::{Clients, SentCommand},
    logging,
    planted_bug::PlantedBug,
    random::Random,
    scheduler::{Scheduler, is_owner},
    snapshots::SharedSnapshots,
};
use instance::Instance;
use layout_change::LayoutChange;

/// After this many turns without faults, a schedule that has not ended is a livelock.
const MAX_QUIET_TURNS: usize = 20_000;

pub(crate) struct World {
    pub(crate) scheduler: Scheduler,
    pub(crate) simulated: SimulatedKafka,
    pub(crate) clients: Clients,
    bug: Option<PlantedBug>,
    /// The number of shards that instances are configured with.
    shards: i32,
    /// Whether that number may still be changed.
    may_change_layout: bool,
    /// The change of that number, while it is under way.
    layout_change: Option<LayoutChange>,
    instances: Vec<Instance>,
    /// How likely each kind of disturbance is.
    disturbances: DisturbanceWeights,
    /// The running instance changes in one of this many turns, on average.
    switch_interval: usize,
    current: usize,
    /// The snapshots of each partition; empty if there are none.
    snapshots: Vec<SharedSnapshots>,
    small_cache: bool,
    /// How many commands each account remembers.
    remembered_commands: usize,
}

/// The weights of: a delayed request arrives, transactions expire, commits become visible, the group reassigns the
/// shard, an instance crashes, an instance freezes or resumes, a delayed save finishes, the last save is lost, a
/// command is delivered, the number of shards is changed, snapshots are discarded, snapshots cannot be opened or
/// can again.
type DisturbanceWeights = [usize; 12];

/// Runs a schedule to its end and checks it.
pub(crate) fn run(seed: u64, bug: Option<PlantedBug>, traced: bool) -> (World, Result<(), String>) {
    logging::install();
    let mut world = World::new(seed, bug, traced);
    let scheduler = world.scheduler.clone();
    let passed = scheduler.scope(|| {
        catch_unwind(AssertUnwindSafe(|| {
            world.run_with_faults()?;
            world.run_without_faults()?;
            check::all(&world)
        }))
    });
    (world, passed.unwrap_or_else(|panic| Err(message(&*panic))))
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
}

impl World {
    fn new(seed: u64, bug: Option<PlantedBug>, traced: bool) -> Self {
        let mut random = Random::new(seed);
        let instances = 2 + random.below(2);
        let faults = random.pick(&[0, 10, 30, 60]);
        let chaos = random.pick(&[0, 1, 2]);
        // A planted bug is looked for where it can be found.
        let changes = match bug {
            None => random.pick(&[0, 0, 0, 0, 0, 12]),
            Some(bug) if bug.needs_a_layout_change() => 12,
            Some(_) => 0,
        };
        let switch_interval = random.pick(&[1, 2, 4, 12, 40]);
        let delayed_saves = random.one_in(2);
        let partitions = if random.one_in(2) { SHARDS.partitions() } else { 0 };
        let snapshots: Vec<_> = (0..partitions).map(|_| SharedSnapshots::new(delayed_saves, bug)).collect();
        let scheduler = Scheduler::new(Random::new(random.next()), faults, traced);
        let clients = Clients::new(&scheduler, &mut random);
        let mut world = Self {
            clients,
            simulated: SimulatedKafka::new(SHARDS.partitions_of(0)),
            bug,
            shards: 1,
            may_change_layout: changes > 0,
            layout_change: None,
            instances: Vec::new(),
            disturbances: [
                3,
                chaos,
                2,
                3 + chaos,
                chaos,
                3,
                6,
                usize::from(chaos > 1),
                6,
                changes,
                usize::from(chaos > 1),
                chaos,
            ],
            switch_interval,
            current: 0,
            // A full cache waits for its saves, so a small cache must not be combined with delayed saves.
            small_cache: !snapshots.is_empty() && !delayed_saves,
            snapshots,
            remembered_commands: random.pick(&[1, 2, 64]),
            scheduler,
        };
        (0..instances).for_each(|number| world.start(number));
        world.mailbox(0).own();
        world
    }

    fn run_with_faults(&mut self) -> Result<(), String> {
        let turns = if self.may_change_layout { 1_200 } else { 250 };
        for _ in 0..turns / 2 + self.below(turns) {
            let turn = self.scheduler.lock().random.weighted(&[75, 12, 8]);
            match turn {
                0 => self.step()?,
                1 => self.clients.act(self.simulated.committed()),
                _ => self.disturb(),
            }
            self.go_on_with_layout_change();
            self.clients.receive(|| self.simulated.committed());
        }
        Ok(())
    }

    /// Resumes an instance, in most cases the one that ran last.
    fn step(&mut self) -> Result<(), String> {
        let switches = self.scheduler.lock().random.one_in(self.switch_interval);
        if switches || self.instances[self.current].frozen {
            self.current = self.below(self.instances.len());
        }
        if self.instances[self.current].frozen { Ok(()) } else { self.resume(self.current) }
    }

    fn resume(&mut self, number: usize) -> Result<(), String> {
        self.scheduler.lock().running = number;
        let commits = self.scheduler.lock().random.one_in(3);
        self.instances[number].resume(commits);
        let error = self.scheduler.lock().logged_error.take();
        error.map_or(Ok(()), |error| Err(format!("instance {number} needs an operator:{error}")))
    }

    /// Runs on without faults and with one assigned owner: every command must finish.
    fn run_without_faults(&mut self) -> Result<(), String> {
        self.note("no more faults");
        self.scheduler.lock().faults = 0;
        self.simulated.expire_transactions();
        self.snapshots.iter().for_each(SharedSnapshots::come_up);
        self.finish_layout_change();
        self.instances.iter_mut().for_each(|instance| instance.frozen = false);
        let owner = self.below(self.instances.len());
        (0..self.instances.len())
            .filter(|number| *number != owner)
            .for_each(|other| self.mailbox(other).hand_over());
        self.mailbox(owner).own();
        for turn in 0..MAX_QUIET_TURNS {
            let number = self.below(self.instances.len());
            self.resume(number)?;
            if turn % 5 == 0 {
                self.finish_save();
                self.simulated.show_commits();
            }
            self.deliver(owner);
            self.clients.receive(|| self.simulated.committed());
            if self.clients.finish(self.simulated.committed()) && self.is_quiet(owner) {
                return Ok(());
            }
        }
        Err("the schedule does not end".to_owned())
    }

    fn is_quiet(&self, owner: usize) -> bool {
        let next_commands = self.simulated.next_commands();
        let is_decided = |(partition, topic): (&i32, &Vec<SentCommand>)| {
            let next = next_commands.get(partition).copied().unwrap_or(0);
            usize::try_from(next) == Ok(topic.len())
        };
        self.clients.topic.iter().all(is_decided)
            && self.instances.iter().all(Instance::is_waiting)
            && is_owner(&self.mailbox(owner))
    }

    fn mailbox(&self, number: usize) -> Arc<Mailbox<Account>> {
        Arc::clone(&self.scheduler.lock().mailboxes[number])
    }

    fn below(&self, end: usize) -> usize {
        self.scheduler.lock().random.below(end)
    }

    fn note(&self, line: &str) {
        self.scheduler.note(|| line.to_owned());
    }
}
