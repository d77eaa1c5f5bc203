//! Postgres may lose its last transactions, or what somebody deletes. It must never look as if it had not.

use aggregate::{Aggregate as _, Version};
use command_engine::{CacheSettings, SnapshotError};

use crate::support::{AggregateCache, Database, History, Tally, commit, eventually, id, ids, room_for};

/// An cache that has saved twice, and a database that has lost the second save.
fn forgetful() -> (Database, History, AggregateCache) {
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
fn what_was_lost_is_not_loaded_as_if_it_were_current() {
    let (_database, history, mut cache) = forgetful();
    // The room is for one: `a` is let go, and what the database has of it is old.
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
fn a_save_over_what_was_lost_is_refused() {
    let (database, mut history, mut cache) = forgetful();
    // `b` is in memory or not; a new one needs no query.
    history.command("c", 1);
    history.read_into(&mut cache);
    assert!(matches!(cache.save_now(1), Err(SnapshotError::Lost)));
    assert_eq!(database.number("SELECT count(*) FROM snapshots"), 2);

    cache.restore().unwrap();
    history.read_into(&mut cache);
    cache.save_now(1).unwrap();
    assert_eq!(database.number("SELECT count(*) FROM snapshots"), 3);
    assert_eq!(database.number("SELECT version FROM snapshots WHERE aggregate_id = 'a'"), 2);
}

#[test]
fn the_first_save_of_an_older_owner_is_not_written_over_that_of_a_newer_one() {
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
    let waiting = "SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND wait_event_type = 'Lock'";
    eventually(|| database.number(waiting) == 1);
    commit(newer);

    older.save_now(1).unwrap();
    assert_eq!(database.number("SELECT saved_by FROM snapshot_checkpoint"), 2);
    assert_eq!(database.number("SELECT count(*) FROM snapshots"), 0);
}

#[test]
fn snapshots_that_somebody_deleted_are_missed_and_all_is_folded_anew() {
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
