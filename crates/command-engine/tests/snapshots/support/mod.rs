//! Shared by the tests: an aggregate, a log of it, and a database that can be closed.

mod database;
mod history;
mod tally;

use std::time::Duration;

use aggregate::AggregateId;
use command_engine::{CacheSettings, CommandKey, CompletedCommand};

pub(crate) use database::{Database, commit, eventually};
pub(crate) use history::History;
pub(crate) use tally::{NextTally, Tally, Total};

/// The cache of a partition of tallies.
pub(crate) type AggregateCache = command_engine::AggregateCache<Tally>;

/// Room for this many aggregates, and no saves except those that a test starts.
pub(crate) fn room_for(max_aggregates: usize) -> CacheSettings {
    CacheSettings {
        max_aggregates,
        save_changes: usize::MAX,
        save_pause: Duration::ZERO,
        ..CacheSettings::default()
    }
}

/// The command that an aggregate has completed, looked up if that is necessary.
pub(crate) fn completed(cache: &mut AggregateCache, key: &CommandKey) -> Option<CompletedCommand> {
    cache.load(std::slice::from_ref(&key.0)).unwrap();
    if cache.must_look_up(key) {
        return cache.look_up(std::slice::from_ref(key)).unwrap().remove(key);
    }
    cache.command(key).cloned()
}

pub(crate) fn id(name: &str) -> AggregateId {
    AggregateId::try_from(name).unwrap()
}

pub(crate) fn ids(names: &[&str]) -> Vec<AggregateId> {
    names.iter().map(|name| id(name)).collect()
}
