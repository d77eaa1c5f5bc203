//! Postgres may lose its last transactions, or rows may be deleted by hand. Both must always be detected.

use aggregate::{Aggregate as _, Version};
use command_engine::{CacheSettings, SnapshotError};

use crate::support::{AggregateCache, Database, History, Tally, commit, eventually, id, ids, room_for};

/// A cache that has saved twice, and a database that has lost the second save.
fn with_lost_save() -> (Database, History, AggregateCache) {
    let database = Database::new();
    let mut history = History::of(&["a", "b"]);
    let mut cache: AggregateCache = database.cache(room_for(1));
    history.read_into(&mut cache);
    cache.save_now(1).unwrap();
    database.run("CREATE TABLE kept_rows AS TABLE snapshots");
    database.run("CREATE TABLE kept_checkpoint AS TABLE snapshot_checkpoint");
    history.command("a", 1);
    history.read_into(&mut cache);
    cache.save_now(1).unwrap();
    for (table, kept) in [("snapshots", "kept_rows"), ("snapshot_checkpoint", "kept_checkpoint")] {
        database.run(&format!("DELETE FROM {table}"));
        database.run(&format!("INSERT INTO {table} SELECT * FROM {kept}"));
    }
    (database, history, cache)
}

#[test]
fn a_lost_snapshot_is_not_replaced_by_an_older_one() {
    let (_database, history, mut cache) = with_lost_save();
    // There is room for one aggregate: `a` is evicted, and its snapshot in the database is old.
    cache.load(&ids(&["c"])).unwrap();
    cache.load(&ids(&["d"])).unwrap();
    assert!(cache.is_cold(&id("a")));
    assert!(matches!(cache.load(&ids(&["a"])), Err(SnapshotError::Lost)));
    assert!(cache.get(&id("a")).is_none());

    cache.restore().unwrap();
    history.read_into(&mut cache);
    cache.load(&ids(&["a"])).unwrap();
    assert_eq!(cache.get(&id("a")).unwrap().version, Version(2));
}

#[test]
fn a_save_on_top_of_a_lost_one_is_refused() {
    let (database, mut history, mut cache) = with_lost_save();
    // Whether or not `b` is in memory, a new aggregate needs no query.
    history.command("c", 1);
    history.read_into(&mut cache);
    assert!(matches!(cache.save_now(1), Err(SnapshotError::Lost)));
    assert_eq!(database.query_number("SELECT count(*) FROM snapshots"), 2);

    cache.restore().unwrap();
    history.read_into(&mut cache);
    cache.save_now(1).unwrap();
    assert_eq!(database.query_number("SELECT count(*) FROM snapshots"), 3);
    assert_eq!(database.query_number("SELECT version FROM snapshots WHERE aggregate_id = 'a'"), 2);
}

#[test]
fn the_first_save_of_an_older_owner_does_not_overwrite_that_of_a_newer_one() {
    let database = Database::new();
    let history = History::of(&["a", "b"]);
    let mut older: AggregateCache = database.cache(CacheSettings { save_changes: 1, ..room_for(4) });
    history.read_into(&mut older);
    let newer = database.begin(&format!(
        "INSERT INTO snapshot_checkpoint
             (partition, state_version, next_offset, sequence, owner_epoch, saved_by, aggregates)
         VALUES (0, {}, 99, 9, 2, 2, 9)",
        Tally::STATE_VERSION
    ));
    older.write_behind(1).unwrap();
    let lock_waits = "SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND wait_event_type = 'Lock'";
    eventually(|| database.query_number(lock_waits) == 1);
    commit(newer);

    older.save_now(1).unwrap();
    assert_eq!(database.query_number("SELECT saved_by FROM snapshot_checkpoint"), 2);
    assert_eq!(database.query_number("SELECT count(*) FROM snapshots"), 0);
}

#[test]
fn deleted_snapshots_are_detected_and_everything_is_folded_again() {
    let database = Database::new();
    let history = History::of(&["a", "b", "a"]);
    let mut cache: AggregateCache = database.cache(room_for(10));
    history.read_into(&mut cache);
    cache.save_now(1).unwrap();
    database.run("DELETE FROM snapshots WHERE aggregate_id = 'b'");
    let error = cache.restore().unwrap_err();
    assert!(matches!(error, SnapshotError::Incomplete { expected: 2, found: 1 }), "{error}");
    cache.restore().unwrap();
    assert_eq!((cache.next_offset, cache.aggregates()), (0, 0));
    history.read_into(&mut cache);
    assert_eq!(cache.aggregates(), 2);
}
