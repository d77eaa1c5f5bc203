use std::thread;

use event_log::{InvalidRecord, LogError, Offsets};

use crate::{
    foreign,
    support::{Log, Owner, error, offsets},
};

#[test]
fn a_claim_waits_for_a_foreign_transaction_and_then_reads_everything() {
    let log = Log::with_partitions(1);
    let mut first = Owner::of(&log, 0);
    first.append(&["before"]).unwrap();
    let foreign = foreign::open_transaction(&log, &format!("{}foreign", log.environment.topic_prefix), 0);
    first.append(&["behind"]).unwrap();
    thread::scope(|scope| {
        let claim = scope.spawn(|| Owner::of(&log, 0));
        // Append until the first owner is fenced: from then on the claim reads, and finds the open transaction.
        while first.append(&["behind"]).is_ok() {}
        foreign::abort(&foreign);
        let second = claim.join().unwrap();
        let seen: Vec<_> = log.seen().iter().map(|event| event.offset).collect();
        assert!(seen.len() >= 2, "{seen:?}");
        assert_eq!(offsets(&second.replayed), seen);
    });
}

#[test]
fn a_claim_skips_a_foreign_record() {
    let log = Log::with_partitions(1);
    Owner::of(&log, 0).append(&["before"]).unwrap();
    foreign::write_event(&log, 0, Some("before"), &[], Some("garbage"));
    foreign::write_event(&log, 0, None, &[("traceparent", "00-1-2-3")], None);
    Owner::of(&log, 0).append(&["behind"]).unwrap();
    let events: Vec<_> = log.seen().iter().map(|event| event.offset).collect();
    let claimed = offsets(&Owner::of(&log, 0).replayed);
    assert_eq!(claimed.len(), 2);
    assert!(
        events.len() == 4 && claimed.iter().all(|offset| events.contains(offset)),
        "{events:?} {claimed:?}"
    );
}

/// An invalid record: its key, its headers, and the expected error.
type Garbage = (Option<&'static str>, &'static [(&'static str, &'static str)], InvalidRecord);

#[test]
fn an_invalid_event_stops_the_claim_with_an_error_that_names_its_position() {
    const SUBJECT: (&str, &str) = ("ce_subject", "a");
    let cases: [Garbage; 4] = [
        (None, &[SUBJECT], InvalidRecord::Key),
        (Some("two words"), &[SUBJECT], InvalidRecord::Key),
        (Some("b"), &[SUBJECT], InvalidRecord::Subject),
        (
            Some("a"),
            &[SUBJECT, ("ce_time", "2026-11-20T10:00:00Z"), ("ce_id", "7")],
            InvalidRecord::Malformed("ce_id"),
        ),
    ];
    let log = &Log::with_partitions(4);
    thread::scope(|scope| {
        for (partition, (key, headers, expected)) in (0..).zip(cases) {
            scope.spawn(move || {
                Owner::of(log, partition).append(&["a"]).unwrap();
                foreign::write_event(log, partition, key, headers, Some("garbage"));
                // It follows the valid event, either before or after the commit marker.
                let garbage = log.seen().into_iter().rfind(|event| event.partition == partition);
                assert_stops_at(log, partition, garbage.unwrap().offset, &expected);
            });
        }
    });
}

fn assert_stops_at(log: &Log, partition: i32, offset: i64, expected: &InvalidRecord) {
    let refused = error(Owner::from_offsets(log, partition, &Offsets::new()));
    assert!(!refused.is_transient(), "{refused}");
    let message = refused.to_string();
    let LogError::Invalid { position, source } = refused else {
        panic!("{message}");
    };
    assert_eq!((position.partition, position.offset, &source), (partition, offset, expected));
    assert!(message.contains(&position.to_string()), "{message}");
}
