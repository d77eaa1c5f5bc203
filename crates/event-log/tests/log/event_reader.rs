use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use event_log::{Bookmarks, EventReader, InvalidRecord, LogError, Offsets, Reading};
use test_kit::delete_before;

use crate::{
    foreign,
    support::{Location, Log, Owner, RUNTIME},
};

fn join(log: &Log) -> EventReader {
    let group = log.topics.group("tests");
    EventReader::join(&log.client, &group, &[&log.topics.events()]).unwrap()
}

/// Reads until `is_last` returns true.
fn read_until(reader: &EventReader, mut is_last: impl FnMut(Reading) -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !is_last(reader.next(Duration::from_millis(100)).unwrap()) {
        assert!(Instant::now() < deadline, "not read within a minute");
    }
}

/// Reads from these offsets, one for each partition, to the end of every partition.
fn read_from(log: &Log, offsets: &[i64]) -> Vec<Location> {
    let reader = join(log);
    let topic = log.topics.events();
    let start: Bookmarks =
        (0..).map(|partition| (topic.clone(), partition)).zip(offsets.iter().copied()).collect();
    let mut locations = Vec::new();
    let mut remaining = offsets.len();
    read_until(&reader, |reading| {
        match reading {
            Reading::Assigned(partitions) => {
                assert_eq!(partitions.len(), offsets.len());
                reader.start(&start).unwrap();
            }
            Reading::Event(event) => locations.push((event.position.partition, event.position.offset)),
            Reading::CaughtUp(_) => remaining -= 1,
            Reading::Idle => {}
            other => panic!("{other:?}"),
        }
        remaining == 0
    });
    locations.sort_by_key(|(partition, _)| *partition);
    locations
}

#[test]
fn a_reader_starts_at_its_offsets_reads_in_order_and_reports_when_it_has_caught_up() {
    let log = Log::with_partitions(2);
    let zero = Owner::of(&log, 0).append(&["a", "b", "c"]).unwrap();
    let mut owner = Owner::of(&log, 1);
    let one = [owner.append(&["d"]).unwrap()[0], owner.append(&["e"]).unwrap()[0]];
    let all: Vec<_> = zero.iter().map(|offset| (0, *offset)).chain(one.map(|offset| (1, offset))).collect();
    assert_eq!(read_from(&log, &[0, 0]), all);
    assert_eq!(read_from(&log, &[zero[1], one[0] + 1]), [all[1], all[2], all[4]]);
}

#[test]
fn a_reader_outside_a_group_reads_from_its_offsets() {
    let log = Log::with_partitions(2);
    let zero = Owner::of(&log, 0).append(&["a", "b", "c"]).unwrap();
    let one = Owner::of(&log, 1).append(&["d"]).unwrap();
    let topic = log.topics.events();
    let bookmarks = [((topic.clone(), 0), zero[1]), ((topic, 1), 0)].into();
    let reader = EventReader::assign(&log.client, &bookmarks).unwrap();
    let (mut locations, mut remaining) = (Vec::new(), 2);
    read_until(&reader, |reading| {
        match reading {
            Reading::CaughtUp(_) => remaining -= 1,
            reading => locations.extend(reading.position().map(|at| (at.partition, at.offset))),
        }
        remaining == 0
    });
    locations.sort_unstable();
    assert_eq!(locations, [(0, zero[1]), (0, zero[2]), (1, one[0])]);
}

#[test]
fn an_invalid_event_is_returned_with_its_bytes_and_the_reader_continues() {
    let log = Log::with_partitions(1);
    foreign::write_event(&log, 0, Some("garbage"), &[("ce_subject", "other")], Some("bytes"));
    Owner::from_offsets(&log, 0, &Offsets::from([(0, 1)])).unwrap().append(&["a"]).unwrap();
    let reader = join(&log);
    let mut invalid = None;
    let mut events = 0;
    read_until(&reader, |reading| {
        match reading {
            Reading::Assigned(_) => {
                reader.start(&[((log.topics.events(), 0), 0)].into()).unwrap();
            }
            Reading::Invalid { record, reason } => invalid = Some((record, reason)),
            Reading::Event(_) => events += 1,
            Reading::CaughtUp(_) => return true,
            _ => {}
        }
        false
    });
    assert_eq!(events, 1);
    let (record, reason) = invalid.unwrap();
    assert_eq!((record.position.offset, record.key), (0, Some(b"garbage".to_vec())));
    assert_eq!(record.headers, [("ce_subject".to_owned(), Some(b"other".to_vec()))]);
    assert_eq!((record.payload, reason), (Some(b"bytes".to_vec()), InvalidRecord::Subject));
}

/// The state that the members of a group share, as if in a database: the offsets, and which members have read each
/// event.
#[derive(Default)]
struct SharedProgress {
    bookmarks: Bookmarks,
    read: BTreeMap<Location, Vec<&'static str>>,
}

impl SharedProgress {
    /// Applies a reading of a member.
    fn apply(&mut self, reader: &EventReader, name: &'static str, reading: Reading) {
        match reading {
            Reading::Assigned(partitions) => {
                let bookmark = |location: (String, i32)| {
                    let next = self.bookmarks.get(&location).copied().unwrap_or(0);
                    (location, next)
                };
                reader.start(&partitions.into_iter().map(bookmark).collect()).unwrap();
            }
            Reading::Event(event) => {
                let at = event.position.clone();
                self.bookmarks.insert((at.topic, at.partition), at.offset + 1);
                self.read.entry((at.partition, at.offset)).or_default().push(name);
            }
            Reading::Revoked(_) => reader.release().unwrap(),
            _ => {}
        }
    }
}

/// Reads as a member of the group until the members have read `total` events.
fn read_as_member(
    log: &Log,
    progress: &Mutex<SharedProgress>,
    name: &'static str,
    total: usize,
    assigned: &Sender<()>,
) {
    let reader = join(log);
    read_until(&reader, |reading| {
        if matches!(reading, Reading::Assigned(_)) {
            assigned.send(()).unwrap();
        }
        let mut progress = progress.lock().unwrap();
        progress.apply(&reader, name, reading);
        progress.read.len() == total
    });
}

#[test]
fn two_members_share_the_partitions_and_nothing_is_lost_or_read_twice() {
    const GROUPS: usize = 100;
    let log = Log::with_partitions(2);
    let mut owners = [0, 1].map(|partition| Owner::of(&log, partition));
    let (progress, total) = (Mutex::default(), 2 * (GROUPS + 1));
    let (assigned, is_assigned) = channel();
    thread::scope(|scope| {
        let (log, progress, assigned) = (&log, &progress, &assigned);
        scope.spawn(move || read_as_member(log, progress, "first", total, assigned));
        is_assigned.recv().unwrap();
        scope.spawn(move || read_as_member(log, progress, "second", total, assigned));
        // While a partition moves from one member to the other.
        for _ in 0..GROUPS {
            for owner in &mut owners {
                owner.append(&["a"]).unwrap();
            }
        }
        // After it has moved.
        is_assigned.recv().unwrap();
        for owner in &mut owners {
            owner.append(&["last"]).unwrap();
        }
    });
    let read = progress.into_inner().unwrap().read;
    let seen: Vec<Location> = log.seen().iter().map(|event| (event.partition, event.offset)).collect();
    assert_eq!(read.keys().copied().collect::<Vec<_>>(), seen);
    assert!(read.values().all(|readers| readers.len() == 1), "{read:?}");
    for name in ["first", "second"] {
        assert!(read.values().any(|readers| readers[0] == name), "the {name} member has read nothing");
    }
}

/// Starts the assigned partitions from their beginnings. The group waits for this call, even if no partition was
/// assigned.
fn start_assigned(reader: &EventReader, reading: &Reading) -> usize {
    let Reading::Assigned(partitions) = reading else { return 0 };
    reader.start(&partitions.iter().map(|partition| (partition.clone(), 0)).collect()).unwrap();
    partitions.len()
}

#[test]
fn a_revoked_partition_is_not_assigned_again_until_it_is_released() {
    let log = Log::with_partitions(2);
    let first = join(&log);
    read_until(&first, |reading| start_assigned(&first, &reading) == 2);
    let is_released = AtomicBool::new(false);
    thread::scope(|scope| {
        let second = scope.spawn(|| {
            let second = join(&log);
            read_until(&second, |reading| start_assigned(&second, &reading) > 0);
            assert!(is_released.load(Ordering::SeqCst), "it was assigned before it was released");
        });
        read_until(&first, |reading| matches!(reading, Reading::Revoked(_)));
        // Much longer than the group needs to assign the partition.
        let release_at = Instant::now() + Duration::from_secs(2);
        read_until(&first, |_| Instant::now() > release_at);
        is_released.store(true, Ordering::SeqCst);
        first.release().unwrap();
        read_until(&first, |reading| {
            start_assigned(&first, &reading);
            second.is_finished()
        });
    });
}

/// Drops a reader. Fails if that takes long.
fn drop_soon(reader: EventReader) {
    let (dropped, is_dropped) = channel();
    thread::spawn(move || {
        drop(reader);
        dropped.send(()).unwrap();
    });
    is_dropped.recv_timeout(Duration::from_secs(20)).expect("the reader leaves the group");
}

#[test]
fn a_reader_that_has_not_started_its_partitions_can_leave() {
    let log = Log::with_partitions(2);
    let reader = join(&log);
    read_until(&reader, |reading| matches!(reading, Reading::Assigned(partitions) if partitions.len() == 2));
    drop_soon(reader);
}

#[test]
fn a_reader_that_has_not_answered_an_empty_assignment_can_leave() {
    let log = Log::with_partitions(1);
    let first = join(&log);
    read_until(&first, |reading| start_assigned(&first, &reading) == 1);
    let has_left = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let second = join(&log);
            read_until(
                &second,
                |reading| matches!(reading, Reading::Assigned(partitions) if partitions.is_empty()),
            );
            drop_soon(second);
            has_left.store(true, Ordering::SeqCst);
        });
        read_until(&first, |reading| {
            start_assigned(&first, &reading);
            has_left.load(Ordering::SeqCst)
        });
    });
}

#[test]
fn a_partition_whose_beginning_was_deleted_is_not_read() {
    let log = Log::with_partitions(1);
    let offsets = Owner::of(&log, 0).append(&["a", "b", "c"]).unwrap();
    let (brokers, topic) = (&log.client.brokers, log.topics.events());
    RUNTIME.block_on(delete_before(brokers, &topic, 0, offsets[2]));
    let reader = join(&log);
    read_until(&reader, |reading| matches!(reading, Reading::Assigned(_)));
    let bookmark = |next| [((log.topics.events(), 0), next)].into();
    let error = reader.available(&log.topics.events(), 0, 0).unwrap_err();
    assert!(
        matches!(error, LogError::BeginningDeleted { first, next: 0, .. } if first == offsets[2]),
        "{error}"
    );
    assert!(!error.is_transient());
    reader.start(&bookmark(offsets[2])).unwrap();
    read_until(
        &reader,
        |reading| matches!(reading, Reading::Event(event) if event.position.offset == offsets[2]),
    );
}
