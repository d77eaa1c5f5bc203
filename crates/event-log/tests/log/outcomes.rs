use std::time::{Duration, Instant};

use event_log::{Outcome, OutcomeReader};

use crate::{foreign, support::Log};

fn write(log: &Log, keys: &[&str]) {
    for (partition, key) in (0..2).cycle().zip(keys) {
        foreign::write(log, &log.topics.outcomes(), partition, Some(key), &[], Some(&format!("of {key}")));
    }
}

fn join(log: &Log) -> OutcomeReader {
    OutcomeReader::join(&log.client, &log.topics, &log.topics.group("tests")).unwrap()
}

/// Reads `count` outcomes and returns them in the order of their keys.
fn take(reader: &OutcomeReader, count: usize) -> Vec<Outcome> {
    let deadline = Instant::now() + Duration::from_mins(1);
    let mut outcomes = Vec::new();
    while outcomes.len() < count {
        assert!(Instant::now() < deadline, "{} of {count} within a minute", outcomes.len());
        let max = count - outcomes.len();
        let batch = reader.next(max, Duration::from_millis(100)).unwrap();
        assert!(batch.len() <= max);
        outcomes.extend(batch);
    }
    outcomes.sort_by(|one, other| one.key.cmp(&other.key));
    outcomes
}

fn keys(outcomes: &[Outcome]) -> Vec<&str> {
    outcomes.iter().map(|outcome| outcome.key.as_str()).collect()
}

#[test]
fn outcomes_are_delivered_with_their_documents_until_they_are_committed() {
    let log = Log::with_partitions(2);
    write(&log, &["a", "b", "c"]);
    let first = join(&log);
    let batch = take(&first, 3);
    assert_eq!(keys(&batch), ["a", "b", "c"]);
    assert_eq!(batch[0].document, b"of a");
    assert_eq!((batch[2].position.topic.as_str(), batch[2].position.offset), (&*log.topics.outcomes(), 1));
    drop(first);

    let second = join(&log);
    let redelivered = take(&second, 3);
    assert_eq!(redelivered, batch);
    second.commit(&redelivered).unwrap();
    write(&log, &["d", "e"]);
    assert_eq!(keys(&take(&second, 2)), ["d", "e"]);
    drop(second);

    assert_eq!(keys(&take(&join(&log), 2)), ["d", "e"]);
}
