//! Postgres may lose its last transactions, or rows may be deleted by hand. Both must always be detected.

use aggregate::{Aggregate as _, Version};
use command_engine::{CacheSettings, IdFilter, SnapshotError, SnapshotStore};

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
    database.discard_snapshots();
    database.run("INSERT INTO snapshots SELECT * FROM kept_rows");
    database.run("INSERT INTO snapshot_checkpoint SELECT * FROM kept_checkpoint");
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
fn a_snapshot_cannot_be_deleted_while_its_checkpoint_says_that_it_is_there() {
    let database = Database::new();
    let history = History::of(&["a", "b", "a"]);
    let mut cache: AggregateCache = database.cache(room_for(10));
    history.read_into(&mut cache);
    cache.save_now(1).unwrap();
    let error = database.try_run("DELETE FROM snapshots WHERE aggregate_id = 'b'").unwrap_err();
    assert!(error.to_string().contains("while its checkpoint exists"), "{error}");
    assert_eq!(database.query_number("SELECT count(*) FROM snapshots"), 2);
}

#[test]
fn without_the_table_of_snapshots_everything_is_folded_again() {
    let database = Database::new();
    let history = History::of(&["a", "b", "a"]);
    let mut cache: AggregateCache = database.cache(room_for(10));
    history.read_into(&mut cache);
    cache.save_now(1).unwrap();
    database.run("TRUNCATE snapshots");
    cache.restore().unwrap();
    assert_eq!((cache.next_offset, cache.aggregates()), (0, 0));
    history.read_into(&mut cache);
    assert_eq!(cache.aggregates(), 2);
}

#[test]
fn the_ids_of_snapshots_that_are_older_than_known_are_not_read() {
    let database = Database::new();
    let mut cache: AggregateCache = database.cache(room_for(10));
    History::of(&["a", "b"]).read_into(&mut cache);
    cache.save_now(1).unwrap();
    let mut store = database.partition(0);
    let mut read = |saved| SnapshotStore::<Tally>::read_ids(&mut store, IdFilter::default(), saved);
    let (mut beyond, mut known) = (read(cache.next_offset + 1), read(cache.next_offset));
    // They are read one after the other.
    eventually(|| known.try_recv().is_ok_and(|ids| ids.may_contain("a") && !ids.may_contain("c")));
    assert!(beyond.try_recv().is_err());
}
