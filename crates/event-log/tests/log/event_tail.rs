use std::time::{Duration, Instant};

use event_log::{EventTail, LogError, OffsetRange, Recorded, committed_ranges, read_range};

use crate::{
    foreign,
    support::{Log, Owner},
};

/// The offsets of the events in a range, and the number of invalid records.
fn read(log: &Log, range: OffsetRange) -> (Vec<i64>, usize) {
    let (mut offsets, mut invalid) = (Vec::new(), 0);
    let mut visit = |record: Result<Recorded, LogError>| {
        match record {
            Ok(recorded) => offsets.push(recorded.position.offset),
            Err(_) => invalid += 1,
        }
        Ok(())
    };
    read_range(&log.client, &log.topics.events(), range, &mut visit).unwrap();
    (offsets, invalid)
}

#[test]
fn a_range_is_read_to_its_end_and_not_beyond() {
    let log = Log::with_partitions(2);
    let mut owner = Owner::of(&log, 1);
    let first = owner.append(&["a", "b", "c"]).unwrap();
    let ranges = committed_ranges(&log.client, &log.topics.events()).unwrap();
    owner.append(&["a", "b"]).unwrap();
    assert_eq!(ranges.iter().map(|range| range.partition).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(read(&log, ranges[0]), (vec![], 0));
    assert_eq!(read(&log, ranges[1]), (first.clone(), 0));
    let inside = OffsetRange { partition: 1, first: first[1], end: first[2] };
    assert_eq!(read(&log, inside), (vec![first[1]], 0));
}

#[test]
fn an_invalid_event_is_returned_as_an_error() {
    let log = Log::with_partitions(1);
    let first = Owner::of(&log, 0).append(&["a"]).unwrap();
    foreign::write(&log, &log.topics.events(), 0, Some("a"), &[], Some("rubbish"));
    let ranges = committed_ranges(&log.client, &log.topics.events()).unwrap();
    assert_eq!(read(&log, ranges[0]), (first, 1));
}

#[test]
fn a_tail_reads_events_committed_after_its_start() {
    let log = Log::with_partitions(1);
    let mut owner = Owner::of(&log, 0);
    owner.append(&["before"]).unwrap();
    let ranges = committed_ranges(&log.client, &log.topics.events()).unwrap();
    let from = ranges.iter().map(|range| OffsetRange { first: range.end, ..*range });
    let event_tail = EventTail::open(&log.client, &log.topics.events(), &from.collect::<Vec<_>>()).unwrap();
    let after = owner.append(&["after"]).unwrap();
    let deadline = Instant::now() + Duration::from_mins(1);
    let mut seen = std::iter::from_fn(|| {
        (Instant::now() < deadline).then(|| event_tail.next(Duration::from_millis(100)))
    });
    let first = seen.find_map(Result::unwrap).unwrap().unwrap();
    assert_eq!(first.position.offset, after[0]);
}
