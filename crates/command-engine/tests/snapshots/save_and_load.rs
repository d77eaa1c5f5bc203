//! What is loaded is what was saved, and saves are atomic.

use std::sync::Arc;

use command_engine::{
    Aggregates, CachedAggregate, Checkpoint, PostgresSnapshots, Save, Saved, SnapshotError, SnapshotStore,
};

use crate::support::{AggregateCache, Database, History, Tally, Total, id, ids, room_for};

/// Saves without a cache.
fn save(
    store: &mut PostgresSnapshots,
    changed: Aggregates<Total>,
    (from, next_offset): (i64, i64),
    epoch: u64,
) -> Result<Saved, SnapshotError> {
    let aggregates = changed.len() as u64;
    let to = Checkpoint { next_offset, aggregates, ..Checkpoint::default() };
    let evicted = Arc::default();
    let save = Save { changed: Arc::new(changed), from, evicted, evicted_from: from, to, epoch };
    SnapshotStore::<Tally>::save(store, save).blocking_recv().unwrap()
}

fn one(name: &str, cache: &AggregateCache) -> Aggregates<Total> {
    [(id(name), cache.get(&id(name)).unwrap().clone())].into()
}

fn checkpoint(store: &mut PostgresSnapshots) -> Checkpoint {
    SnapshotStore::<Tally>::open(store).blocking_recv().unwrap().unwrap().checkpoint
}

#[test]
fn a_saved_cache_is_restored_with_the_commands_that_aggregates_remember() {
    let database = Database::new();
    let mut history = History::of(&["a", "b", "a"]);
    let three = history.command("a", 3);
    let mut cache = database.cache(room_for(10));
    history.read_into(&mut cache);
    cache.save_now(1).unwrap();

    let mut restored: AggregateCache = database.cache(room_for(10));
    assert_eq!((restored.next_offset, restored.continuity), (cache.next_offset, cache.continuity));
    assert_eq!((restored.aggregates(), restored.len()), (2, 0));
    assert!(restored.is_cold(&id("a")) && restored.get(&id("a")).is_none());
    assert!(!restored.is_cold(&id("c")));
    restored.load(&ids(&["a", "b", "c"])).unwrap();
    for name in ["a", "b", "c"] {
        assert_eq!(restored.get(&id(name)), cache.get(&id(name)), "{name}");
        assert!(!restored.is_cold(&id(name)));
    }
    let completed = restored.get(&id("a")).unwrap().command(three).unwrap();
    assert_eq!(completed.event_types.as_slice(), ["Odd", "Even", "Odd"]);
}

#[test]
fn a_partition_sees_only_its_own_snapshots() {
    let database = Database::new();
    let mut cache = database.cache_of(0, room_for(10));
    History::of(&["a"]).read_into(&mut cache);
    cache.save_now(1).unwrap();
    let other: AggregateCache = database.cache_of(1, room_for(10));
    assert_eq!((other.next_offset, other.aggregates()), (0, 0));
    assert!(!other.is_cold(&id("a")));
}

#[test]
fn an_older_owner_saves_nothing_and_is_told_that_it_is_superseded() {
    let database = Database::new();
    let mut store = database.partition(0);
    let mut cache = database.cache(room_for(10));
    History::of(&["a", "a"]).read_into(&mut cache);
    assert_eq!(save(&mut store, one("a", &cache), (0, 3), 7).unwrap(), Saved::UpTo(3));
    History::of(&["a", "a", "b"]).read_into(&mut cache);
    assert_eq!(save(&mut store, one("b", &cache), (3, 5), 6).unwrap(), Saved::Superseded(3));
    assert_eq!(checkpoint(&mut store).next_offset, 3);
    assert_eq!(database.query_number("SELECT count(*) FROM snapshots WHERE aggregate_id = 'a'"), 1);
    assert_eq!(database.query_number("SELECT count(*) FROM snapshots"), 1);
    assert_eq!(database.query_number("SELECT saved_by FROM snapshot_checkpoint"), 7);
}

#[test]
fn a_superseded_cache_evicts_only_what_the_newer_owner_has_saved() {
    let database = Database::new();
    let mut history = History::of(&["a"]);
    let (mut older, mut newer): (AggregateCache, AggregateCache) =
        (database.cache(room_for(2)), database.cache(room_for(9)));
    history.read_into(&mut newer);
    newer.save_now(2).unwrap();
    history.command("b", 1);
    history.read_into(&mut older);
    older.save_now(1).unwrap();
    assert_eq!(database.query_number("SELECT count(*) FROM snapshots"), 1);
    older.load(&ids(&["c", "d"])).unwrap();
    assert!(older.is_cold(&id("a")) && older.get(&id("b")).is_some());
    older.save_now(3).unwrap();
    assert_eq!(database.query_number("SELECT count(*) FROM snapshots"), 2);
}

#[test]
fn a_late_save_changes_nothing_and_succeeds() {
    let database = Database::new();
    let mut store = database.partition(0);
    let mut cache = database.cache(room_for(10));
    History::of(&["a"]).read_into(&mut cache);
    let early = one("a", &cache);
    History::of(&["a", "a"]).read_into(&mut cache);
    assert_eq!(save(&mut store, one("a", &cache), (0, 3), 1).unwrap(), Saved::UpTo(3));
    assert_eq!(save(&mut store, early, (0, 1), 1).unwrap(), Saved::UpTo(3));
    assert_eq!(database.query_number("SELECT version FROM snapshots"), 2);
    assert_eq!(checkpoint(&mut store).next_offset, 3);
}

#[test]
fn a_new_aggregate_that_another_instance_has_saved_already_is_updated() {
    let database = Database::new();
    let mut store = database.partition(0);
    let mut cache = database.cache(room_for(10));
    History::of(&["a", "b"]).read_into(&mut cache);
    assert_eq!(save(&mut store, one("a", &cache), (0, 1), 1).unwrap(), Saved::UpTo(1));
    History::of(&["a", "b", "a"]).read_into(&mut cache);
    let both = ["a", "b"].map(|name| (id(name), cache.get(&id(name)).unwrap().clone()));
    assert_eq!(save(&mut store, both.into(), (0, 5), 1).unwrap(), Saved::UpTo(5));
    assert_eq!(database.query_number("SELECT sum(version)::bigint FROM snapshots"), 2 + 1);
}

#[test]
fn a_torn_save_leaves_nothing() {
    let database = Database::new();
    let mut store = database.partition(0);
    let mut cache = database.cache(room_for(10));
    History::of(&["a"]).read_into(&mut cache);
    let good = cache.get(&id("a")).unwrap();
    // More rows than one statement writes; the table refuses one of them.
    let mut changed: Aggregates<Total> = (0..2_500).map(|n| (id(&format!("t{n}")), good.clone())).collect();
    changed.insert(id("bad"), CachedAggregate::default());
    save(&mut store, changed, (0, 9), 1).unwrap_err();
    assert_eq!(database.query_number("SELECT count(*) FROM snapshots"), 0);
    assert_eq!(database.query_number("SELECT count(*) FROM snapshot_checkpoint"), 0);
}

#[test]
fn a_save_of_many_rows_is_complete() {
    let database = Database::new();
    let names: Vec<_> = (0..2_500).map(|n| format!("t{n}")).collect();
    let history = History::of(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut cache = database.cache(room_for(10_000));
    history.read_into(&mut cache);
    cache.save_now(1).unwrap();
    assert_eq!(checkpoint(&mut database.partition(0)).aggregates, 2_500);
    assert_eq!(database.query_number("SELECT count(*) FROM snapshots"), 2_500);
}
