//! Random histories, saves and crashes, and a standby that follows the log: every cache must equal the fold of the log,
//! including the commands that aggregates remember and those that they have evicted.

use std::sync::{
    LazyLock,
    atomic::{AtomicI32, Ordering},
};

use aggregate::AggregateId;
use command_engine::{CacheError, NoSnapshots, SnapshotError};
use proptest::{collection::vec, prelude::*};

use crate::support::{AggregateCache, Database, History, completed, eventually, id, room_for};

const NAMES: [&str; 7] = ["a", "b", "c", "d", "e", "f", "g"];

static DATABASE: LazyLock<Database> = LazyLock::new(Database::new);

/// Each case has a partition of its own.
static NEXT_PARTITION: AtomicI32 = AtomicI32::new(0);

#[derive(Debug, Clone)]
enum Step {
    /// The owner decides a group: commands of one to three events, on these aggregates.
    Group(Vec<(usize, u64)>),
    /// One aggregate receives so many commands that it forgets the first ones.
    Burst(usize),
    /// A save begins, if none is under way.
    WriteBehind,
    Save,
    /// The owner crashes, perhaps during a save. A new one restores and reads the tail in chunks.
    Crash(usize),
    /// The snapshots are discarded. The owner and the standby restore, and the owner reads the log again.
    Discard,
    /// The standby restores.
    Standby,
    /// The standby reads more events.
    StandbyReads(usize),
    /// Aggregates are loaded by commands that change nothing.
    Use(Vec<usize>),
}

struct Partition {
    number: i32,
    history: History,
    owner: AggregateCache,
    standby: AggregateCache,
    epoch: u64,
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn every_cache_equals_the_fold_of_the_log(steps in vec(step(), 1..40)) {
        let mut partition = Partition::new();
        for step in steps {
            partition.apply(step);
        }
        partition.check();
    }
}

impl Partition {
    fn new() -> Self {
        let number = NEXT_PARTITION.fetch_add(1, Ordering::Relaxed);
        let (owner, standby) = (cache(number), cache(number));
        Self { number, history: History::default(), owner, standby, epoch: 1 }
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Group(commands) => self.group(&commands),
            Step::Burst(name) => self.group(&[(name, 1); 70]),
            Step::WriteBehind => self.owner.write_behind(self.epoch).unwrap(),
            Step::Save => self.owner.save_now(self.epoch).unwrap(),
            Step::Crash(chunk) => {
                self.owner = cache(self.number);
                self.epoch += 1;
                read(&mut self.owner, self.epoch, &self.history, chunk, usize::MAX);
            }
            Step::Discard => {
                let delete = |table| {
                    DATABASE.try_run(&format!("DELETE FROM {table} WHERE partition = {}", self.number))
                };
                // Postgres refuses it if an earlier owner saves in between.
                eventually(|| {
                    ["snapshot_checkpoint", "snapshots"].into_iter().all(|table| delete(table).is_ok())
                });
                self.standby.restore().unwrap();
                self.owner.restore().unwrap();
                read(&mut self.owner, self.epoch, &self.history, 8, usize::MAX);
            }
            Step::Standby => self.standby.restore().unwrap(),
            Step::StandbyReads(events) => read(&mut self.standby, self.epoch, &self.history, 3, events),
            Step::Use(names) => load(&mut self.owner, self.epoch, &ids(names)),
        }
    }

    /// Loads the aggregates of the group, decides, commits and folds.
    fn group(&mut self, commands: &[(usize, u64)]) {
        let ids = ids(commands.iter().map(|(name, _)| *name).collect());
        load(&mut self.owner, self.epoch, &ids);
        for (name, events) in commands {
            let version = self.owner.get(&id(NAMES[*name])).map(|cached| cached.version).unwrap_or_default();
            assert_eq!(version, self.history.version(NAMES[*name]));
            self.history.command(NAMES[*name], *events);
            for (recorded, event) in self.history.tail(self.owner.next_offset) {
                let completed = self.owner.fold(recorded, event).unwrap().unwrap();
                assert_eq!(completed.command_id, recorded.envelope.metadata.command_id);
            }
        }
    }

    fn check(&mut self) {
        let settings = command_engine::CacheSettings { remembered_commands: 3, ..room_for(1) };
        let mut model = AggregateCache::new(Box::new(NoSnapshots), settings);
        self.history.read_into(&mut model);
        let mut restored = cache(self.number);
        for cache in [&mut self.owner, &mut self.standby, &mut restored] {
            read(cache, self.epoch, &self.history, 5, usize::MAX);
            assert_eq!((cache.next_offset, cache.continuity), (model.next_offset, model.continuity));
            assert_eq!(cache.aggregates(), model.aggregates());
            for id in ids((0..NAMES.len()).collect()) {
                load(cache, self.epoch, std::slice::from_ref(&id));
                assert_eq!(cache.get(&id), model.get(&id), "{id}");
            }
            for key in self.history.commands() {
                make_room(cache, self.epoch);
                assert_eq!(completed(cache, &key).as_ref(), model.command(&key), "{key:?}");
            }
        }
    }
}

/// A cache with room for fewer aggregates than there are.
fn cache(partition: i32) -> AggregateCache {
    let settings = command_engine::CacheSettings { save_changes: 1, remembered_commands: 3, ..room_for(4) };
    DATABASE.opened(partition, settings)
}

fn read(cache: &mut AggregateCache, epoch: u64, history: &History, chunk: usize, events: usize) {
    let tail = history.tail(cache.next_offset);
    for chunk in tail[..tail.len().min(events)].chunks(chunk) {
        match cache.fold_tail(chunk, &mut |_, _| ()) {
            // Owners with newer epochs than those in the log have saved, so only a save with the current epoch makes
            // room.
            Err(CacheError::Snapshots(SnapshotError::Full)) => {
                cache.save_now(epoch).unwrap();
                cache.fold_tail(chunk, &mut |_, _| ()).unwrap();
            }
            result => result.unwrap(),
        }
    }
}

fn load(cache: &mut AggregateCache, epoch: u64, ids: &[AggregateId]) {
    make_room(cache, epoch);
    cache.load(ids).unwrap();
}

fn make_room(cache: &mut AggregateCache, epoch: u64) {
    if cache.is_full() {
        cache.save_now(epoch).unwrap();
    }
}

fn ids(names: Vec<usize>) -> Vec<AggregateId> {
    names.into_iter().map(|name| id(NAMES[name])).collect()
}

fn step() -> impl Strategy<Value = Step> {
    let name = || 0..NAMES.len();
    prop_oneof![
        8 => vec((name(), 1..4_u64), 1..6).prop_map(Step::Group),
        1 => name().prop_map(Step::Burst),
        4 => Just(Step::WriteBehind),
        2 => Just(Step::Save),
        2 => (1..8_usize).prop_map(Step::Crash),
        1 => Just(Step::Discard),
        1 => Just(Step::Standby),
        3 => (1..9_usize).prop_map(Step::StandbyReads),
        2 => vec(name(), 1..4).prop_map(Step::Use),
    ]
}
