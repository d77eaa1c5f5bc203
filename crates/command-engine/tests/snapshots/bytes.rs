//! The memory of a cache is bounded in bytes, whatever the size of its aggregates.

use std::time::{Duration, Instant};

use command_engine::CacheSettings;

use crate::support::{AggregateCache, Database, History, NextTally, id, ids, room_for};

/// No limit but this many bytes.
fn room_in_bytes(max_bytes: usize) -> CacheSettings {
    CacheSettings { max_bytes, ..room_for(usize::MAX) }
}

/// Names of this many aggregates.
fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("tally-{number}")).collect()
}

fn history(names: &[String]) -> History {
    History::of(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The bytes of one aggregate with one command.
fn bytes_of_one(database: &Database) -> usize {
    let mut cache: AggregateCache = database.cache_of(1, room_in_bytes(usize::MAX));
    History::of(&["tally-0"]).read_into(&mut cache);
    cache.bytes()
}

#[test]
fn saved_aggregates_leave_memory_when_it_exceeds_its_bytes() {
    let database = Database::new();
    let limit = 5 * bytes_of_one(&database);
    let mut cache: AggregateCache = database.cache(room_in_bytes(limit));
    let names = names(30);
    for chunk in history(&names).events.chunks(2) {
        cache.fold_tail(chunk, &mut |_, _| ()).unwrap();
        assert!(cache.bytes() <= limit * 3 / 2, "{} bytes", cache.bytes());
    }
    cache.save_now(1).unwrap();
    for name in &names {
        cache.load(&ids(&[name])).unwrap();
        assert!(cache.get(&id(name)).is_some());
        assert!(cache.bytes() <= limit * 3 / 2, "{} bytes", cache.bytes());
    }
    assert!((4..=6).contains(&cache.len()), "{}", cache.len());
}

#[test]
fn unsaved_aggregates_fill_the_cache_by_their_bytes_and_are_saved_before() {
    let database = Database::new();
    let hour = Duration::from_hours(1);
    let limit = 4 * bytes_of_one(&database);
    let settings = CacheSettings { save_pause: hour, save_interval: hour, ..room_in_bytes(limit) };
    let mut cache: AggregateCache = database.cache(settings);
    let mut history = History::of(&["tally-0"]);
    history.read_into(&mut cache);
    assert!(!cache.is_full() && cache.due().unwrap() > Instant::now());
    history.command("tally-1", 1);
    history.read_into(&mut cache);
    assert!(!cache.is_full() && cache.due().unwrap() <= Instant::now());
    for name in ["tally-2", "tally-3"] {
        history.command(name, 1);
        history.read_into(&mut cache);
    }
    assert!(cache.is_full());
    cache.save_now(1).unwrap();
    assert!(!cache.is_full());
}

#[test]
fn the_size_of_a_state_is_known_from_its_snapshot() {
    let database = Database::new();
    let mut history = History::default();
    for _ in 0..64 {
        history.command("large", 100);
    }
    let mut cache: command_engine::AggregateCache<NextTally> = database.cache(room_in_bytes(usize::MAX));
    cache.fold_tail(&history.events, &mut |_, _| ()).unwrap();
    let unknown = cache.bytes();
    cache.save_now(1).unwrap();
    let known = cache.bytes();
    // 6,400 numbers of up to four digits, with a comma each.
    assert!((25_000..32_000).contains(&(known - unknown)), "{unknown}, then {known}");
    let mut restored: command_engine::AggregateCache<NextTally> = database.cache(room_in_bytes(usize::MAX));
    restored.load(&ids(&["large"])).unwrap();
    assert_eq!(restored.bytes(), known);
}

#[test]
fn the_bytes_of_a_cache_are_those_of_its_aggregates_whatever_has_happened() {
    let database = Database::new();
    let settings = CacheSettings { remembered_commands: 3, save_changes: 1, ..room_in_bytes(usize::MAX) };
    let mut cache: AggregateCache = database.cache(settings);
    let mut history = History::of(&["a", "b", "a"]);
    history.read_into(&mut cache);
    cache.save_now(1).unwrap();
    let lock = database.lock_table("snapshots");
    for _ in 0..5 {
        history.command("a", 2);
        history.read_into(&mut cache);
        cache.write_behind(1).unwrap();
    }
    drop(lock);
    cache.save_now(1).unwrap();
    let mut restored: AggregateCache = database.cache(settings);
    restored.load(&ids(&["a", "b"])).unwrap();
    assert_eq!(cache.bytes(), restored.bytes());
}
