//! The buffer and the state of a shared reader, without Kafka.

use event_log::{InvalidRecord, Position, RawRecord, Reading};

use super::{
    buffer::{Buffer, Next, Progress},
    state::State,
};

const TOPIC: &str = "clock.events";
/// Room for about ten records without a payload.
const MAX_BYTES: usize = 5_120;

fn record(partition: i32, offset: i64) -> Reading {
    let position = Position { topic: TOPIC.to_owned(), partition, offset };
    let record = RawRecord { position, key: None, headers: Vec::new(), payload: None };
    Reading::Invalid { record, reason: InvalidRecord::Key }
}

fn at(offsets: impl IntoIterator<Item = (i32, i64)>) -> Progress {
    let mut progress = Progress::default();
    progress.next.extend(offsets);
    progress
}

/// A buffer of partition 0, which is read from offset 0.
fn buffer() -> Buffer {
    let mut buffer = Buffer::new(MAX_BYTES);
    buffer.begin(0, 1, 0);
    buffer
}

/// The offsets that a subscriber reads next, up to what is in the buffer; `None` if it is behind.
fn read(buffer: &mut Buffer, subscriber: u64, progress: &mut Progress) -> Option<Vec<i64>> {
    let mut offsets = Vec::new();
    loop {
        match buffer.next(subscriber, progress) {
            Next::Reading(reading) => offsets.extend(reading.position().map(|position| position.offset)),
            Next::Nothing => return Some(offsets),
            Next::Behind => return None,
        }
    }
}

#[test]
fn every_subscriber_reads_each_record_once_from_its_own_offset() {
    let mut buffer = buffer();
    let (mut first, mut second) = (at([(0, 0)]), at([(0, 2)]));
    assert!(buffer.attach(1, &first) && buffer.attach(2, &second));
    (0..4).for_each(|offset| buffer.push(record(0, offset)));
    assert_eq!(read(&mut buffer, 1, &mut first).unwrap(), [0, 1, 2, 3]);
    assert_eq!(read(&mut buffer, 2, &mut second).unwrap(), [2, 3]);
    buffer.push(record(0, 4));
    // It looks at everything in the buffer again, but repeats nothing.
    assert!(buffer.attach(1, &first));
    assert_eq!(read(&mut buffer, 1, &mut first).unwrap(), [4]);
    assert_eq!(read(&mut buffer, 2, &mut second).unwrap(), [4]);
}

#[test]
fn a_subscriber_that_has_missed_records_is_behind_and_does_not_hold_the_others_back() {
    let mut buffer = buffer();
    let (mut fast, mut slow) = (at([(0, 0)]), at([(0, 0)]));
    assert!(buffer.attach(1, &fast) && buffer.attach(2, &slow));
    for offset in 0..100 {
        assert!(buffer.has_room());
        buffer.push(record(0, offset));
        assert_eq!(read(&mut buffer, 1, &mut fast).unwrap(), [offset]);
    }
    assert_eq!(read(&mut buffer, 2, &mut slow), None);
    assert!(!buffer.attach(2, &slow));
    // The buffer has 90 to 99. It is not close before it has read the older half.
    assert!(!buffer.attach(2, &at([(0, 89)])) && buffer.attach(2, &at([(0, 90)])));
    assert!(!buffer.is_close(&at([(0, 94)])) && buffer.is_close(&at([(0, 95)])));
}

#[test]
fn the_reader_waits_for_the_fastest_subscriber() {
    let mut buffer = buffer();
    let (mut fast, slow) = (at([(0, 0)]), at([(0, 0)]));
    assert!(buffer.attach(1, &fast) && buffer.attach(2, &slow));
    (0..10).for_each(|offset| buffer.push(record(0, offset)));
    assert!(!buffer.has_room());
    (0..5).for_each(|_| assert!(matches!(buffer.next(1, &mut fast), Next::Reading(_))));
    assert!(!buffer.has_room());
    assert!(matches!(buffer.next(1, &mut fast), Next::Reading(_)));
    assert!(buffer.has_room());
}

#[test]
fn the_end_of_a_partition_is_reported_once_to_each_subscriber_that_has_reached_it() {
    let mut buffer = buffer();
    let mut progress = at([(0, 0)]);
    assert!(buffer.attach(1, &progress));
    buffer.push(record(0, 0));
    buffer.caught_up(0);
    assert!(matches!(buffer.next(1, &mut progress), Next::Reading(Reading::Invalid { .. })));
    assert!(matches!(buffer.next(1, &mut progress), Next::Reading(Reading::CaughtUp(0))));
    assert!(matches!(buffer.next(1, &mut progress), Next::Nothing));
    let mut late = at([(0, 1)]);
    assert!(buffer.attach(2, &late));
    assert!(matches!(buffer.next(2, &mut late), Next::Reading(Reading::CaughtUp(0))));
}

#[test]
fn records_of_an_earlier_assignment_are_not_read() {
    let mut buffer = buffer();
    (5..8).for_each(|offset| buffer.push(record(0, offset)));
    buffer.end(0);
    buffer.begin(0, 2, 3);
    let mut progress = at([(0, 3)]);
    assert!(buffer.attach(1, &progress));
    assert_eq!(read(&mut buffer, 1, &mut progress).unwrap(), [0; 0]);
    (3..6).for_each(|offset| buffer.push(record(0, offset)));
    assert_eq!(read(&mut buffer, 1, &mut progress).unwrap(), [3, 4, 5]);
}

/// The log is one record per offset in two partitions. Subscribers read from the buffer while they can, and otherwise
/// from the log.
#[test]
fn subscribers_that_leave_and_return_to_the_buffer_miss_and_repeat_nothing() {
    for seed in 0..500 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut buffer = Buffer::new(MAX_BYTES);
        let mut ends = [0, 1].map(|partition| {
            let start = random.i64(0..20);
            buffer.begin(partition, 1, start);
            start
        });
        let mut subscribers: Vec<_> =
            (0..3).map(|number| (number, at([(0, random.i64(0..20)), (1, random.i64(0..20))]))).collect();
        for _ in 0..400 {
            let partition = random.usize(0..2);
            buffer.push(record(i32::try_from(partition).unwrap(), ends[partition]));
            ends[partition] += 1;
            let (number, progress) = random.choice(&mut subscribers).unwrap();
            step(&mut buffer, *number, progress, &mut random, ends);
        }
    }
}

/// Lets a subscriber read up to ten records, and checks that each follows the one before it.
fn step(
    buffer: &mut Buffer,
    number: u64,
    progress: &mut Progress,
    random: &mut fastrand::Rng,
    ends: [i64; 2],
) {
    for _ in 0..random.usize(0..10) {
        let before = progress.next.clone();
        let reading = match buffer.next(number, progress) {
            Next::Reading(reading) => reading,
            Next::Nothing => return,
            Next::Behind => {
                buffer.detach(number);
                let behind = progress
                    .next
                    .iter()
                    .find(|(partition, next)| **next < ends[usize::try_from(**partition).unwrap()]);
                let Some((&partition, &next)) = behind else {
                    buffer.attach(number, progress);
                    return;
                };
                let reading = record(partition, next);
                assert!(progress.advance(reading.position().unwrap()));
                if random.bool() {
                    buffer.attach(number, progress);
                }
                reading
            }
        };
        let position = reading.position().unwrap();
        assert_eq!(before[&position.partition], position.offset);
    }
}

fn state() -> State {
    State::new(TOPIC.to_owned(), Buffer::new(MAX_BYTES))
}

fn partitions(change: Option<Reading>) -> Vec<i32> {
    let Some(Reading::Assigned(list) | Reading::Revoked(list)) = change else { panic!("{change:?}") };
    list.into_iter().map(|(_, partition)| partition).collect()
}

#[test]
fn a_subscriber_without_partitions_is_not_behind() {
    let mut state = state();
    let subscriber = state.subscribe();
    assert!(matches!(state.buffer.next(subscriber, &mut Progress::default()), Next::Nothing));
}

#[test]
fn a_later_subscriber_is_assigned_all_partitions() {
    let mut state = state();
    let first = state.subscribe();
    assert!(state.next_change(first).unwrap().is_none());
    state.assign([0, 1].into());
    assert_eq!(partitions(state.next_change(first).unwrap()), [0, 1]);
    state.assign([2].into());
    assert_eq!(partitions(state.next_change(first).unwrap()), [2]);
    state.assign([].into());
    assert_eq!(partitions(state.next_change(first).unwrap()), [0; 0]);
    let second = state.subscribe();
    assert_eq!(partitions(state.next_change(second).unwrap()), [0, 1, 2]);
    assert!(state.next_change(second).unwrap().is_none());
}

#[test]
fn revoked_partitions_are_given_back_when_every_subscriber_has_released_them() {
    let mut state = state();
    let [first, second, third] = [(); 3].map(|()| state.subscribe());
    state.assign([0, 1].into());
    for subscriber in [first, second, third] {
        assert_eq!(partitions(state.next_change(subscriber).unwrap()), [0, 1]);
    }
    state.revoke([1].into());
    assert!(!state.end_revocation());
    assert_eq!(partitions(state.next_change(first).unwrap()), [1]);
    assert_eq!(state.release(first), [1].into());
    assert!(state.next_change(first).unwrap().is_none());
    assert!(!state.end_revocation());
    // A subscriber that fails has nothing to release.
    state.unsubscribe(second);
    assert!(!state.end_revocation());
    state.release(third);
    assert!(state.end_revocation());
    assert!(!state.end_revocation(), "they are given back once");
}

#[test]
fn a_partition_that_is_lost_and_assigned_again_is_released_first() {
    let mut state = state();
    let subscriber = state.subscribe();
    state.assign([0].into());
    assert_eq!(partitions(state.next_change(subscriber).unwrap()), [0]);
    state.revoke([0].into());
    state.assign([0].into());
    assert!(matches!(state.next_change(subscriber).unwrap(), Some(Reading::Revoked(_))));
    state.release(subscriber);
    assert!(matches!(state.next_change(subscriber).unwrap(), Some(Reading::Assigned(_))));
    assert!(state.next_change(subscriber).unwrap().is_none());
}
