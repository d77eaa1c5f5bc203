//! How many aggregates are kept in memory, and when they are saved.

use std::time::{Duration, Instant};

use aggregate::Version;
use command_engine::{AggregateCache as AnyCache, CacheSettings, NoSnapshots};

use crate::support::{AggregateCache, Database, History, Tally, eventually, id, ids, room_for};

#[test]
fn the_least_recently_used_aggregates_are_evicted_once_they_are_saved() {
    let database = Database::new();
    let mut cache: AggregateCache = database.cache(room_for(3));
    History::of(&["a", "b", "c"]).read_into(&mut cache);
    cache.save_now(1).unwrap();
    cache.load(&ids(&["a"])).unwrap();
    cache.load(&ids(&["a", "d"])).unwrap();
    assert_eq!(cache.len(), 2);
    assert!(cache.get(&id("a")).is_some());
    assert!(cache.get(&id("b")).is_none() != cache.get(&id("c")).is_none());
}

#[test]
fn a_group_larger_than_the_limit_is_in_memory_all_at_once() {
    let database = Database::new();
    let names = ["a", "b", "c", "d", "e"];
    let mut cache: AggregateCache = database.cache(room_for(5));
    History::of(&names).read_into(&mut cache);
    cache.save_now(1).unwrap();
    let mut cache: AggregateCache = database.cache(room_for(2));
    cache.load(&ids(&["a", "b"])).unwrap();
    cache.load(&ids(&names)).unwrap();
    assert!(names.iter().all(|name| cache.get(&id(name)).is_some()));
    cache.load(&ids(&["a"])).unwrap();
    assert_eq!(cache.len(), 2);
}

#[test]
fn unsaved_aggregates_stay_in_memory() {
    let database = Database::new();
    let mut cache: AggregateCache = database.cache(room_for(2));
    let history = History::of(&["a", "b"]);
    history.read_into(&mut cache);
    cache.load(&ids(&["a"])).unwrap();
    assert_eq!(cache.len(), 2);
    assert!(cache.is_full());
}

#[test]
fn a_tail_with_more_aggregates_than_the_limit_is_saved_while_it_is_read() {
    let database = Database::new();
    let names: Vec<_> = (0..30).map(|n| format!("t{}", n % 20)).collect();
    let history = History::of(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut cache: AggregateCache = database.cache(room_for(4));
    for chunk in history.events.chunks(3) {
        cache.fold_tail(chunk, &mut |_, _| ()).unwrap();
        assert!(cache.len() <= 4 + 3, "{}", cache.len());
    }
    assert_eq!(cache.aggregates(), 20);
    cache.load(&ids(&["t3"])).unwrap();
    assert_eq!(cache.get(&id("t3")).unwrap().version, Version(2));
}

#[test]
fn everything_stays_in_memory_without_snapshots() {
    let mut cache = AnyCache::<Tally>::new(Box::new(NoSnapshots), room_for(1));
    cache.restore().unwrap();
    History::of(&["a", "b", "c"]).read_into(&mut cache);
    cache.save_now(1).unwrap();
    cache.load(&ids(&["a", "d"])).unwrap();
    assert!(!cache.is_full());
    assert_eq!((cache.len(), cache.due()), (3, None));
}

#[test]
fn a_save_is_due_after_enough_changes() {
    let database = Database::new();
    let settings = CacheSettings { save_changes: 2, save_interval: Duration::from_hours(1), ..room_for(10) };
    let mut cache: AggregateCache = database.cache(settings);
    assert_eq!(cache.due(), None);
    let mut history = History::of(&["a"]);
    history.read_into(&mut cache);
    assert!(cache.due().unwrap() > Instant::now());
    cache.write_behind(1).unwrap();
    history.command("b", 1);
    history.read_into(&mut cache);
    assert!(cache.due().unwrap() <= Instant::now());
    cache.write_behind(1).unwrap();
    eventually(|| {
        cache.write_behind(1).unwrap();
        cache.due().is_none()
    });
    assert_eq!(database.cache::<Tally>(room_for(10)).next_offset, cache.next_offset);
}

#[test]
fn after_a_save_the_next_one_waits_unless_memory_gets_short() {
    let database = Database::new();
    let hour = Duration::from_hours(1);
    let settings = CacheSettings { save_changes: 1, save_pause: hour, save_interval: hour, ..room_for(10) };
    let mut cache: AggregateCache = database.cache(settings);
    let mut history = History::of(&["a", "b", "c", "d"]);
    history.read_into(&mut cache);
    cache.write_behind(1).unwrap();
    assert!(cache.due().unwrap() > Instant::now());
    history.command("e", 1);
    history.read_into(&mut cache);
    assert!(cache.due().unwrap() <= Instant::now());
}

#[test]
fn an_aggregate_that_changes_during_a_save_is_saved_again() {
    let database = Database::new();
    let settings = CacheSettings { save_changes: 1, save_interval: Duration::from_hours(1), ..room_for(10) };
    let mut cache: AggregateCache = database.cache(settings);
    let mut history = History::of(&["a"]);
    history.read_into(&mut cache);
    let lock = database.lock_table("snapshots");
    cache.write_behind(1).unwrap();
    history.command("a", 1);
    history.read_into(&mut cache);
    cache.write_behind(1).unwrap();
    assert_eq!(cache.get(&id("a")).unwrap().version, Version(2));
    drop(lock);
    eventually(|| {
        cache.write_behind(1).unwrap();
        cache.due().is_none()
    });
    assert_eq!(cache.get(&id("a")).unwrap().version, Version(2));
    assert_eq!(database.query_number("SELECT version FROM snapshots"), 2);
}
