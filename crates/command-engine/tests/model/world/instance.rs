//! A simulated instance: the production loops of a shard's two threads, each in a coroutine that yields wherever it
//! waits or sends a request to the broker.

use std::{sync::Arc, time::Duration};

use command_engine::{
    AggregateCache, CacheSettings, EngineSettings, NoSnapshots, Ownership, ShardCache,
    protocol::{Commits, Mailbox, Shard, Writer},
};
use event_log::{FencedLog, Offsets};
use generator::{Generator, Gn};
use tokio::sync::watch;

use super::World;
use crate::{
    account::{Account, CODEC, SHARDS, topics},
    broker::Client,
    clock::SimulatedClock,
    log::Log,
    random::Random,
    scheduler::Yielded,
};

/// The size of an instance's stack, in words.
const STACK: usize = 0x10000;

pub(super) struct Instance {
    /// Decides and sends.
    shard: Thread,
    /// Commits and answers.
    commits: Thread,
    pub(super) frozen: bool,
    /// The number of shards that it is configured with.
    pub(super) shards: i32,
    pub(super) commands: CommandReader,
}

pub(super) struct Thread {
    coroutine: Generator<'static, (), Yielded>,
    last_yield: Yielded,
}

/// Reads the commands topic for an instance, as its deliveries do.
pub(super) struct CommandReader {
    ownership: watch::Receiver<Ownership>,
    /// The epoch it reads for, and the next offset of each partition.
    reading: Option<(u64, Offsets)>,
}

impl Instance {
    /// Resumes the thread that decides, or the one that commits.
    pub(super) fn resume(&mut self, commits: bool) {
        if commits { &mut self.commits } else { &mut self.shard }.resume();
    }

    /// Whether it has nothing to do.
    pub(super) fn is_waiting(&self) -> bool {
        self.shard.last_yield == Yielded::Waiting && self.commits.last_yield == Yielded::Waiting
    }
}

impl Thread {
    pub(super) fn new(run: impl FnOnce() + Send + 'static) -> Self {
        let coroutine = Gn::new_opt(STACK, move || {
            run();
            Yielded::Waiting
        });
        Self { coroutine, last_yield: Yielded::Busy }
    }

    pub(super) fn resume(&mut self) {
        self.last_yield = self.coroutine.resume().expect("it runs until it is dropped");
    }

    /// Whether it has ended.
    pub(super) fn is_done(&self) -> bool {
        self.coroutine.is_done()
    }
}

impl CommandReader {
    fn new(mailbox: &Mailbox<Account>) -> Self {
        let mut ownership = mailbox.ownership();
        ownership.mark_changed();
        Self { ownership, reading: None }
    }

    /// The epoch to read for, and the offset of the next command of a partition.
    pub(super) fn next(&mut self, partition: i32) -> Option<(u64, i64)> {
        if self.ownership.has_changed().unwrap_or(false) {
            self.reading = match &*self.ownership.borrow_and_update() {
                Ownership::Owned { epoch, next_commands } => Some((*epoch, next_commands.clone())),
                Ownership::Elsewhere | Ownership::Claiming(_) => None,
            };
        }
        let (epoch, next) = self.reading.as_ref()?;
        Some((*epoch, next[&partition]))
    }

    pub(super) fn advance(&mut self, partition: i32) {
        if let Some((_, next)) = &mut self.reading {
            *next.entry(partition).or_default() += 1;
        }
    }
}

impl World {
    /// Starts an instance, which replaces a crashed one with the same number.
    pub(super) fn start(&mut self, number: usize) {
        let clock = Arc::new(SimulatedClock::new(self.scheduler.clone()));
        let mut random = Random::new(self.scheduler.lock().random.next());
        let settings = EngineSettings {
            max_group: random.pick(&[1, 2, 3, 8]),
            announcement_timeout: Duration::from_millis(60),
            reclaim_pause: Duration::from_millis(250),
            recommit_interval: if self.bug.is_none() && random.one_in(6) {
                Duration::from_millis(50)
            } else {
                Duration::from_hours(24)
            },
            ..EngineSettings::default()
        };
        // During a change, instances may be configured with either number.
        let change = self.layout_change.as_ref().filter(|_| self.scheduler.lock().random.one_in(2));
        let shards = change.map_or(self.shards, |change| change.shards);
        let mailbox = Arc::new(Mailbox::new(0, settings, clock));
        let client = Client {
            broker: self.broker(number).with_shards(shards),
            scheduler: self.scheduler.clone(),
            bug: self.bug,
            early_ends: Offsets::new(),
            skips_replay: false,
        };
        let log = Log::new(FencedLog::over(client, format!("{number}:1"), Duration::ZERO), self.bug);
        let clock = Arc::new(SimulatedClock::new(self.scheduler.clone()));
        let commits = Arc::new(Commits::new(Arc::clone(&mailbox), clock));
        let writer = Writer::new(0, &topics(), log, CODEC.clone(), self.cache(), Arc::clone(&commits));
        let shard = Shard::new(0, writer, Arc::clone(&mailbox));
        let commands = CommandReader::new(&mailbox);
        let instance = Instance {
            shard: Thread::new(move || shard.run()),
            commits: Thread::new(move || commits.run()),
            frozen: false,
            shards,
            commands,
        };
        let mailboxes = &mut self.scheduler.lock().mailboxes;
        if number < mailboxes.len() {
            mailboxes[number] = mailbox;
            self.instances[number] = instance;
        } else {
            mailboxes.push(mailbox);
            self.instances.push(instance);
        }
    }

    fn cache(&self) -> ShardCache<Account> {
        let settings = CacheSettings {
            max_aggregates: if self.small_cache { 2 } else { 1_000 },
            save_changes: 1,
            save_pause: Duration::ZERO,
            save_interval: Duration::from_hours(24),
            load_pause: Duration::ZERO,
            remembered_commands: self.remembered_commands,
            ..CacheSettings::default()
        };
        let cache = |partition| {
            let store = usize::try_from(partition).ok().and_then(|index| self.snapshots.get(index));
            match store {
                Some(store) => AggregateCache::new(Box::new(store.clone()), settings),
                None => AggregateCache::new(Box::new(NoSnapshots), settings),
            }
        };
        ShardCache::new(*SHARDS, SHARDS.partitions_of(0).map(|partition| (partition, cache(partition))))
    }
}
