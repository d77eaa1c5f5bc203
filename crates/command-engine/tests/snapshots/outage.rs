//! While Postgres is down or hangs, aggregates in memory and new ones still work.

use std::time::Duration;

use aggregate::Version;
use command_engine::{CacheSettings, SnapshotError};

use crate::support::{AggregateCache, Database, History, eventually, id, ids, room_for};

/// A cache with `cold` in the snapshots only, and `warm` in memory too.
fn cache(database: &Database, settings: CacheSettings) -> (History, AggregateCache) {
    let history = History::of(&["cold", "warm"]);
    let mut cache: AggregateCache = database.cache(room_for(10));
    history.read_into(&mut cache);
    cache.save_now(1).unwrap();
    let mut cache = database.cache(settings);
    cache.load(&ids(&["warm"])).unwrap();
    (history, cache)
}

fn settings(max_aggregates: usize) -> CacheSettings {
    CacheSettings { load_pause: Duration::ZERO, ..room_for(max_aggregates) }
}

#[test]
fn while_postgres_is_down_warm_and_new_aggregates_work_but_cold_ones_do_not() {
    let database = Database::new();
    let (mut history, mut cache) = cache(&database, settings(10));
    database.close();
    history.command("warm", 1);
    history.command("new", 2);
    history.read_into(&mut cache);
    assert_eq!(cache.get(&id("warm")).unwrap().version, Version(2));
    assert_eq!(cache.get(&id("new")).unwrap().version, Version(2));
    cache.load(&ids(&["warm", "cold", "another"])).unwrap_err();
    let is_cold = |name| cache.is_cold(&id(name));
    assert_eq!(["warm", "new", "another", "cold"].map(is_cold), [false, false, false, true]);
    assert!(cache.save_now(1).is_err());

    database.reopen();
    cache.load(&ids(&["cold"])).unwrap();
    assert_eq!(cache.get(&id("cold")).unwrap().version, Version(1));
    cache.save_now(1).unwrap();
    assert_eq!(database.cache::<crate::support::Tally>(room_for(10)).next_offset, cache.next_offset);
}

#[test]
fn loading_pauses_after_a_failure() {
    let database = Database::new();
    let settings = CacheSettings { load_pause: Duration::from_hours(1), ..room_for(10) };
    let (_, mut cache) = cache(&database, settings);
    database.close();
    cache.load(&ids(&["cold"])).unwrap_err();
    database.reopen();
    assert!(matches!(cache.load(&ids(&["cold"])), Err(SnapshotError::Pausing)));
    cache.load(&ids(&["warm", "new"])).unwrap();
}

#[test]
fn a_load_that_hangs_times_out() {
    let database = Database::new();
    let (_, mut cache) = cache(&database, settings(10));
    let lock = database.lock_table("snapshots");
    assert!(matches!(cache.load(&ids(&["cold"])), Err(SnapshotError::TimedOut(_))));
    drop(lock);
    eventually(|| cache.load(&ids(&["cold"])).is_ok());
}

#[test]
fn until_the_ids_of_all_snapshots_are_read_every_unknown_id_is_looked_up() {
    let database = Database::new();
    cache(&database, settings(10));
    let lock = database.lock_table("snapshots");
    let mut cache: AggregateCache = database.opened(0, settings(10));
    assert!(!cache.knows_all_ids() && cache.is_cold(&id("cold")) && cache.is_cold(&id("new")));
    assert!(matches!(cache.load(&ids(&["new"])), Err(SnapshotError::TimedOut(_))));
    drop(lock);
    eventually(|| cache.load(&ids(&["new", "cold"])).is_ok());
    assert!(!cache.is_cold(&id("new")) && cache.get(&id("new")).is_none());
    assert_eq!(cache.get(&id("cold")).unwrap().version, Version(1));
    eventually(|| cache.load(&[]).is_ok() && cache.knows_all_ids());
    assert!(!cache.is_cold(&id("another")) && cache.is_cold(&id("warm")));
}

#[test]
fn aggregates_that_cannot_be_saved_do_not_grow_without_bound() {
    let database = Database::new();
    let (mut history, mut cache) = cache(&database, settings(3));
    database.close();
    for name in ["b", "c", "d"] {
        assert!(!cache.is_cold(&id(name)));
        history.command(name, 1);
        history.read_into(&mut cache);
    }
    assert!(cache.is_full());
    assert!(matches!(cache.load(&ids(&["b", "new"])), Err(SnapshotError::Full)));
    assert!(cache.is_cold(&id("new")) && !cache.is_cold(&id("b")));
    history.command("b", 1);
    let (recorded, event) = history.events.last().unwrap();
    cache.fold(recorded, event).unwrap();
    assert_eq!(cache.get(&id("b")).unwrap().version, Version(2));

    database.reopen();
    cache.save_now(1).unwrap();
    cache.load(&ids(&["b", "new"])).unwrap();
    assert!(!cache.is_cold(&id("new")));
}
