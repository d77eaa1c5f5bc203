//! Each generation of the state has snapshots of its own.

use command_engine::SnapshotError;

use crate::support::{AggregateCache, Database, History, NextTally, eventually, id, ids, room_for};

type NextCache = command_engine::AggregateCache<NextTally>;

fn saved(database: &Database) -> History {
    let history = History::of(&["a", "b", "a"]);
    let mut cache = database.cache(room_for(10));
    history.read_into(&mut cache);
    cache.save_now(1).unwrap();
    history
}

#[test]
fn a_new_generation_is_folded_again_and_leaves_the_old_one_unchanged() {
    let database = Database::new();
    let history = saved(&database);
    let mut next: NextCache = database.cache(room_for(10));
    assert_eq!((next.next_offset, next.aggregates()), (0, 0));
    next.fold_tail(&history.events, &mut |_, _| ()).unwrap();
    next.save_now(2).unwrap();

    let mut next: NextCache = database.cache(room_for(10));
    next.load(&ids(&["a"])).unwrap();
    assert_eq!(next.get(&id("a")).unwrap().state.numbers, [0, 2]);
    let mut old: AggregateCache = database.cache(room_for(10));
    old.load(&ids(&["a"])).unwrap();
    assert_eq!(old.get(&id("a")).unwrap().state.total, 2);
}

#[test]
fn an_older_instance_still_saves_its_own_generation() {
    let database = Database::new();
    let mut history = saved(&database);
    let mut old: AggregateCache = database.cache(room_for(10));
    let mut next: NextCache = database.cache(room_for(10));
    next.fold_tail(&history.events, &mut |_, _| ()).unwrap();
    next.save_now(9).unwrap();
    history.command("c", 1);
    history.read_into(&mut old);
    old.save_now(8).unwrap();
    assert_eq!(database.cache::<NextTally>(room_for(10)).aggregates(), 2);
    assert_eq!(database.cache::<crate::support::Tally>(room_for(10)).aggregates(), 3);
}

#[test]
fn a_generation_not_saved_for_a_day_is_deleted_by_a_newer_one() {
    let database = Database::new();
    saved(&database);
    let next: NextCache = database.cache(room_for(10));
    drop(next);
    assert_eq!(database.query_number("SELECT count(*) FROM snapshots"), 2);
    database.run("UPDATE snapshot_checkpoint SET updated_at = now() - interval '25 hours'");
    let next: NextCache = database.cache(room_for(10));
    drop(next);
    eventually(|| database.query_number("SELECT count(*) FROM snapshots") == 0);
    assert_eq!(database.query_number("SELECT count(*) FROM snapshot_checkpoint"), 0);
}

#[test]
fn a_generation_is_not_deleted_by_an_older_one_or_by_itself() {
    let database = Database::new();
    let history = saved(&database);
    let mut next: NextCache = database.cache(room_for(10));
    next.fold_tail(&history.events, &mut |_, _| ()).unwrap();
    next.save_now(2).unwrap();
    database.run(
        "UPDATE snapshot_checkpoint SET updated_at = now() - interval '25 hours' WHERE state_version = 2",
    );
    let old: AggregateCache = database.cache(room_for(10));
    assert_eq!(old.aggregates(), 2);
    assert_eq!(database.cache::<NextTally>(room_for(10)).aggregates(), 2);
}

#[test]
fn an_unreadable_snapshot_is_reported_with_its_id() {
    let database = Database::new();
    saved(&database);
    database.run("UPDATE snapshots SET state = '{}' WHERE aggregate_id = 'a'");
    let mut cache: AggregateCache = database.cache(room_for(10));
    let error = cache.load(&ids(&["a"])).unwrap_err();
    assert!(matches!(&error, SnapshotError::Unreadable { id, .. } if id.as_str() == "a"), "{error}");
    assert!(cache.is_cold(&id("a")));
}
