//! Commands that aggregates no longer remember themselves are recognised for as long as they are kept.

use std::time::Duration;

use command_engine::{CacheError, CacheSettings, CommandKey, SnapshotError, SnapshotSettings};

use crate::support::{
    AggregateCache, Database, History, NextTally, completed, eventually, id, ids, room_for,
};

/// Aggregates that remember two commands.
fn settings() -> CacheSettings {
    CacheSettings { remembered_commands: 2, load_pause: Duration::ZERO, ..room_for(10) }
}

/// Five commands on an aggregate; it remembers the last two.
fn five() -> (History, Vec<CommandKey>) {
    let mut history = History::default();
    let keys = (0..5).map(|events| (id("a"), history.command("a", 1 + events % 2))).collect();
    (history, keys)
}

fn saved(database: &Database) -> (History, Vec<CommandKey>, AggregateCache) {
    let (history, keys) = five();
    let mut cache: AggregateCache = database.cache(settings());
    history.read_into(&mut cache);
    cache.save_now(1).unwrap();
    (history, keys, cache)
}

#[test]
fn an_evicted_command_is_found_in_memory_until_it_is_saved_and_then_in_the_database() {
    let database = Database::new();
    let (history, keys) = five();
    let mut cache: AggregateCache = database.cache(settings());
    history.read_into(&mut cache);
    let unsaved: Vec<_> = keys.iter().map(|key| cache.command(key).cloned().unwrap()).collect();
    assert!(keys.iter().all(|key| !cache.must_look_up(key)));
    cache.save_now(1).unwrap();
    assert_eq!(keys.iter().filter(|key| cache.must_look_up(key)).count(), 3);
    for (key, unsaved) in keys.iter().zip(unsaved) {
        assert_eq!(completed(&mut cache, key), Some(unsaved));
    }
    assert_eq!(database.query_number("SELECT count(*) FROM evicted_commands"), 3);
}

#[test]
fn only_the_commands_of_an_aggregate_that_has_evicted_some_are_looked_up() {
    let database = Database::new();
    let mut cache: AggregateCache = database.cache(settings());
    History::of(&["a", "b", "a", "b", "b"]).read_into(&mut cache);
    cache.save_now(1).unwrap();
    let unknown = |name| (id(name), uuid::Uuid::nil());
    assert!(!cache.must_look_up(&unknown("a")) && cache.must_look_up(&unknown("b")));
    assert_eq!(completed(&mut cache, &unknown("b")), None);
}

#[test]
fn evicted_commands_are_found_after_a_restart_and_after_the_snapshots_are_discarded() {
    let database = Database::new();
    let (mut history, mut keys, first) = saved(&database);
    let expected: Vec<_> = keys[3..].iter().map(|key| first.command(key).cloned()).collect();
    for discard in [|_: &Database| (), Database::discard_snapshots] {
        discard(&database);
        let mut cache: AggregateCache = database.cache(settings());
        history.read_into(&mut cache);
        assert!(keys.iter().all(|key| completed(&mut cache, key).is_some()));
        // What is evicted later is derived from the log.
        keys.push((id("a"), history.command("a", 1)));
        history.read_into(&mut cache);
        cache.save_now(2).unwrap();
    }
    let mut cache: AggregateCache = database.cache(settings());
    let found: Vec<_> = keys[3..5].iter().map(|key| completed(&mut cache, key)).collect();
    assert_eq!(found, expected);
    assert_eq!(database.query_number("SELECT count(*) FROM evicted_commands"), 5);
}

#[test]
fn a_new_generation_of_snapshots_continues_where_the_saved_commands_end() {
    let database = Database::new();
    let (history, _, _) = saved(&database);
    database.run("DELETE FROM evicted_commands");
    let mut next: command_engine::AggregateCache<NextTally> = database.cache(settings());
    next.fold_tail(&history.events, &mut |_, _| ()).unwrap();
    next.save_now(2).unwrap();
    assert_eq!(database.query_number("SELECT count(*) FROM evicted_commands"), 0);
    let end = history.events.last().unwrap().0.position.offset + 1;
    assert_eq!(database.query_number("SELECT next_offset FROM evicted_commands_checkpoint"), end);
}

/// A standby that was opened after the first event, and has read the log since the owner saved all of it: the snapshot is
/// newer than what it reads.
fn standby(database: &Database) -> (History, Vec<CommandKey>, AggregateCache) {
    let (history, keys) = five();
    let mut owner: AggregateCache = database.cache(settings());
    owner.fold_tail(&history.events[..1], &mut |_, _| ()).unwrap();
    owner.save_now(1).unwrap();
    let mut standby: AggregateCache = database.cache(settings());
    history.read_into(&mut owner);
    owner.save_now(1).unwrap();
    for event in &history.events[1..] {
        standby.fold_tail(std::slice::from_ref(event), &mut |_, _| ()).unwrap();
    }
    (history, keys, standby)
}

#[test]
fn a_standby_looks_up_what_the_owner_has_saved_beyond_its_own_reading() {
    let (_, keys, mut standby) = standby(&Database::new());
    assert!(standby.must_look_up(&keys[0]));
    assert!(keys.iter().all(|key| completed(&mut standby, key).is_some()));
}

#[test]
fn a_standby_detects_that_postgres_has_lost_what_it_relies_on() {
    let database = Database::new();
    let (history, keys, mut standby) = standby(&database);
    database.run("DELETE FROM evicted_commands");
    database.run("UPDATE evicted_commands_checkpoint SET next_offset = 1");
    database.discard_snapshots();
    assert!(matches!(standby.look_up(&keys[..1]), Err(SnapshotError::Lost)));
    standby.restore().unwrap();
    history.read_into(&mut standby);
    assert!(keys.iter().all(|key| completed(&mut standby, key).is_some()));
}

#[test]
fn an_evicted_command_that_postgres_has_lost_is_not_taken_for_a_new_one() {
    let database = Database::new();
    let (history, keys, mut cache) = saved(&database);
    database.run("DELETE FROM evicted_commands");
    database.run("UPDATE evicted_commands_checkpoint SET next_offset = 0");
    database.discard_snapshots();
    assert!(matches!(cache.look_up(&keys[..1]), Err(SnapshotError::Lost)));
    cache.restore().unwrap();
    history.read_into(&mut cache);
    assert!(keys.iter().all(|key| cache.command(key).is_some()));
}

#[test]
fn while_postgres_is_down_evicted_commands_cannot_be_looked_up() {
    let database = Database::new();
    let (_, keys, mut cache) = saved(&database);
    database.close();
    cache.look_up(&keys[..1]).unwrap_err();
    assert!(cache.must_look_up(&keys[0]) && !cache.must_look_up(&keys[4]));
    database.reopen();
    eventually(|| cache.look_up(&keys[..1]).is_ok());
}

#[test]
fn an_aggregate_accepts_no_commands_while_there_is_no_room_for_those_that_it_evicts() {
    let database = Database::new();
    let mut cache: AggregateCache = database.cache(CacheSettings { max_evicted_commands: 2, ..settings() });
    let mut history = History::of(&["a", "a", "a", "b"]);
    history.read_into(&mut cache);
    assert!(!cache.is_cold(&id("a")));
    history.command("a", 1);
    history.read_into(&mut cache);
    let is_cold = |cache: &AggregateCache| ["a", "b", "new"].map(|name| cache.is_cold(&id(name)));
    assert_eq!(is_cold(&cache), [true, false, false]);
    database.close();
    cache.save_now(1).unwrap_err();
    assert!(matches!(cache.load(&ids(&["a"])), Err(SnapshotError::Full)));
    history.command("a", 1);
    let read = cache.fold_tail(history.tail(cache.next_offset), &mut |_, _| ());
    assert!(matches!(read, Err(CacheError::Snapshots(_))));
    database.reopen();
    cache.save_now(1).unwrap();
    assert_eq!(is_cold(&cache), [false; 3]);
    history.read_into(&mut cache);
    let keys = history.commands();
    assert!(keys.iter().all(|key| completed(&mut cache, key).is_some()));
}

#[test]
fn commands_are_deleted_once_they_are_no_longer_kept() {
    let settings = SnapshotSettings { delete_interval: Duration::ZERO, ..SnapshotSettings::default() };
    let database = Database::with(&settings);
    let (mut history, _, mut cache) = saved(&database);
    database.run(
        "INSERT INTO evicted_commands
         SELECT 0, 'old', gen_random_uuid(), '', now() - interval '10 days' FROM generate_series(1, 2500)",
    );
    history.command("b", 1);
    history.read_into(&mut cache);
    cache.save_now(1).unwrap();
    eventually(|| database.query_number("SELECT count(*) FROM evicted_commands") == 3);
}

#[test]
fn commands_that_are_no_longer_kept_are_not_saved() {
    let database = Database::new();
    let (mut history, _) = five();
    for (recorded, _) in &mut history.events[..6] {
        recorded.envelope.time -= Duration::from_hours(10 * 24);
    }
    let mut cache: AggregateCache = database.cache(settings());
    history.read_into(&mut cache);
    cache.save_now(1).unwrap();
    assert_eq!(database.query_number("SELECT count(*) FROM evicted_commands"), 1);
}

#[test]
fn snapshots_from_before_there_was_a_table_of_commands_can_be_used() {
    let database = Database::new();
    let (_, keys, _) = saved(&database);
    database.run("DELETE FROM evicted_commands");
    database.run("DELETE FROM evicted_commands_checkpoint");
    let mut cache: AggregateCache = database.cache(settings());
    assert_eq!(completed(&mut cache, &keys[0]), None);
    assert!(completed(&mut cache, &keys[4]).is_some());
    cache.save_now(2).unwrap();
}
