//! A cache whose snapshots cannot be opened is folded from the whole log, and uses the snapshots once they can be.

use std::time::Duration;

use aggregate::Version;
use command_engine::{CacheError, CacheSettings, CommandKey, SnapshotError};
use uuid::Uuid;

use crate::support::{AggregateCache, Database, History, completed, eventually, id, ids, room_for};

/// Aggregates that remember two commands, and at most three evicted ones in memory.
fn settings(max_aggregates: usize) -> CacheSettings {
    CacheSettings {
        remembered_commands: 2,
        max_evicted_commands: 3,
        load_pause: Duration::ZERO,
        save_interval: Duration::ZERO,
        ..room_for(max_aggregates)
    }
}

/// A database that has what a cache saved of this history, and does not answer now.
fn closed(history: &History) -> Database {
    let database = Database::new();
    let mut cache: AggregateCache = database.cache(settings(10));
    history.read_into(&mut cache);
    cache.save_now(1).unwrap();
    database.close();
    database
}

/// A cache that could not open its snapshots.
fn unopened(database: &Database, max_aggregates: usize) -> AggregateCache {
    let mut cache = database.unopened(settings(max_aggregates));
    cache.restore().unwrap_err();
    assert!(!cache.is_open());
    cache
}

/// Opens the snapshots again, and saves until everything is saved.
fn reopen(database: &Database, cache: &mut AggregateCache) {
    database.reopen();
    eventually(|| cache.reopen(false).unwrap());
    eventually(|| {
        cache.write_behind(1).unwrap();
        cache.due().is_none()
    });
}

#[test]
fn without_its_snapshots_a_cache_is_folded_from_the_whole_log_and_later_saved_again() {
    let mut history = History::of(&["a", "b", "a"]);
    let database = closed(&history);
    let mut cache = unopened(&database, 10);
    history.command("b", 1);
    history.command("c", 1);
    history.read_into(&mut cache);
    assert_eq!(cache.aggregates(), 3);
    assert_eq!(cache.get(&id("b")).unwrap().version, Version(2));
    assert!(!cache.is_cold(&id("new")) && cache.get(&id("new")).is_none());
    assert!(matches!(cache.save_now(1), Err(SnapshotError::NotOpen)));

    reopen(&database, &mut cache);
    let restarted: AggregateCache = database.cache(settings(10));
    assert_eq!((restarted.next_offset, restarted.aggregates()), (cache.next_offset, 3));
    assert_eq!(database.query_number("SELECT sum(version)::bigint FROM snapshots"), 5);
}

#[test]
fn saved_aggregates_can_leave_memory_once_the_snapshots_are_opened() {
    let history = History::of(&["a", "b", "c"]);
    let database = closed(&history);
    let mut cache = unopened(&database, 3);
    history.read_into(&mut cache);
    assert!(cache.is_cold(&id("new")), "there is no room for it");
    reopen(&database, &mut cache);
    cache.load(&ids(&["new"])).unwrap();
    let left: Vec<_> = ids(&["a", "b", "c", "new"]).into_iter().filter(|id| cache.is_cold(id)).collect();
    assert!(left.len() == 1 && left != ids(&["new"]), "{left:?}");
    cache.load(&left).unwrap();
    assert_eq!(cache.get(&left[0]).unwrap().version, Version(1));
}

#[test]
fn a_log_that_does_not_fit_into_memory_waits_for_its_snapshots_and_continues_from_them() {
    let history = History::of(&["a", "b", "c", "d"]);
    let database = closed(&history);
    let mut cache = unopened(&database, 2);
    let fold = |cache: &mut AggregateCache| {
        let next = &history.tail(cache.next_offset)[..1];
        cache.fold_tail(next, &mut |_, _| ())
    };
    fold(&mut cache).unwrap();
    fold(&mut cache).unwrap();
    for _ in 0..2 {
        assert!(matches!(fold(&mut cache), Err(CacheError::Snapshots(SnapshotError::NotOpen))));
    }
    assert!(!cache.reopen(true).unwrap());
    database.reopen();
    eventually(|| matches!(cache.reopen(true), Err(SnapshotError::Reopened)));
    cache.restore().unwrap();
    assert!(history.tail(cache.next_offset).is_empty());
}

#[test]
fn snapshots_that_are_ahead_are_not_used_before_the_log_is_read_that_far() {
    let history = History::of(&["a", "b"]);
    let database = closed(&history);
    let mut cache = unopened(&database, 10);
    cache.fold_tail(&history.events[..1], &mut |_, _| ()).unwrap();
    database.reopen();
    // Opening them inserts this row. They are not opened a second time before the first answer was refused.
    for _ in 0..2 {
        database.run("DELETE FROM evicted_commands_checkpoint");
        eventually(|| {
            assert!(!cache.reopen(false).unwrap());
            database.query_number("SELECT count(*) FROM evicted_commands_checkpoint") == 1
        });
    }
    history.read_into(&mut cache);
    reopen(&database, &mut cache);
}

#[test]
fn commands_that_only_the_database_may_know_are_not_decided_without_it() {
    let mut history = History::default();
    let keys: Vec<CommandKey> = (0..8).map(|_| (id("a"), history.command("a", 1))).collect();
    let database = closed(&history);
    let mut cache = unopened(&database, 10);
    let unknown = (id("a"), Uuid::nil());
    cache.fold_tail(&history.events[..5], &mut |_, _| ()).unwrap();
    // All that were evicted are in memory.
    assert!(keys[..5].iter().all(|key| cache.command(key).is_some()));
    assert!(!cache.must_look_up(&unknown));

    history.read_into(&mut cache);
    assert!(cache.must_look_up(&keys[0]) && cache.must_look_up(&unknown));
    assert!(matches!(cache.look_up(&keys[..1]), Err(SnapshotError::NotOpen)));
    assert!(!cache.is_cold(&id("a")), "a command without a key can be decided");

    reopen(&database, &mut cache);
    assert!(keys.iter().all(|key| completed(&mut cache, key).is_some()));
    assert_eq!(completed(&mut cache, &unknown), None);
}

#[test]
fn commands_that_were_dropped_and_not_saved_are_read_from_the_log_again() {
    let mut history = History::default();
    let mut keys: Vec<CommandKey> = (0..3).map(|_| (id("a"), history.command("a", 1))).collect();
    let database = closed(&history);
    let mut cache = unopened(&database, 10);
    keys.extend((0..6).map(|_| (id("a"), history.command("a", 1))));
    history.read_into(&mut cache);
    database.reopen();
    eventually(|| matches!(cache.reopen(false), Err(SnapshotError::Reopened)));
    cache.restore().unwrap();
    for event in history.tail(cache.next_offset) {
        cache.fold_tail(std::slice::from_ref(event), &mut |_, _| ()).unwrap();
    }
    cache.save_now(1).unwrap();
    assert!(keys.iter().all(|key| completed(&mut cache, key).is_some()));
}
