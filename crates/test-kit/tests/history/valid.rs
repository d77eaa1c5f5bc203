use serde_json::json;
use test_kit::history::{Answer, Attempt, History, LoggedEvent, check};
use uuid::Uuid;

use crate::register::{Register, set};

pub(crate) fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

pub(crate) fn attempt(
    command: u128,
    (sent, answered): (u64, u64),
    request: &[&str],
    answer: Answer,
) -> Attempt {
    Attempt {
        client: 0,
        instance: 0,
        aggregate: "a".to_owned(),
        command_id: id(command),
        request: json!(request),
        expected: None,
        sent,
        answered,
        answer,
    }
}

pub(crate) fn event(command: u128, version: u64, value: &str) -> LoggedEvent {
    LoggedEvent {
        partition: 0,
        offset: i64::try_from(version).unwrap() * 2,
        aggregate: "a".to_owned(),
        event_id: id(u128::from(version) + 1000),
        command_id: id(command),
        version,
        epoch: 1,
        sequence: version,
        fact: set(value),
    }
}

pub(crate) fn accepted(versions: &[u64]) -> Answer {
    let last = versions[versions.len() - 1];
    Answer::Accepted {
        version: last,
        events: versions.iter().map(|version| id(u128::from(*version) + 1000)).collect(),
        position: Some((0, i64::try_from(last).unwrap() * 2)),
        replayed: false,
    }
}

pub(crate) fn replayed(versions: &[u64]) -> Answer {
    let mut answer = accepted(versions);
    let Answer::Accepted { replayed, .. } = &mut answer else { unreachable!() };
    *replayed = true;
    answer
}

pub(crate) fn unchanged(version: u64) -> Answer {
    Answer::Accepted { version, events: vec![], position: None, replayed: false }
}

pub(crate) fn refused() -> Answer {
    Answer::Refused { code: "closed".to_owned() }
}

/// Every kind of answer, each at a different time.
pub(crate) fn history() -> History {
    let mut on_old_version = attempt(5, (50, 55), &["e"], Answer::OtherVersion { current: 3 });
    on_old_version.expected = Some(2);
    let mut on_current_version = attempt(6, (60, 65), &["f"], accepted(&[4]));
    on_current_version.expected = Some(3);
    let attempts = vec![
        attempt(1, (0, 5), &["a"], accepted(&[1])),
        attempt(2, (10, 15), &["b", "c"], Answer::Unknown),
        attempt(2, (20, 25), &["b", "c"], replayed(&[2, 3])),
        attempt(3, (30, 35), &["c"], unchanged(3)),
        attempt(2, (40, 45), &["other"], Answer::KeyReused),
        on_old_version,
        on_current_version,
        attempt(7, (66, 68), &["g"], Answer::NotExecuted { code: "not-ready".to_owned() }),
        attempt(7, (69, 70), &["g"], Answer::NotSent),
        attempt(7, (70, 75), &["g"], accepted(&[5])),
        attempt(8, (80, 85), &["closed"], accepted(&[6])),
        attempt(9, (90, 95), &["h"], refused()),
        attempt(10, (100, 105), &["i"], Answer::Unknown),
    ];
    let values = [(1, "a"), (2, "b"), (2, "c"), (6, "f"), (7, "g"), (8, "closed")];
    let log = (1..).zip(values).map(|(version, (command, value))| event(command, version, value)).collect();
    History { attempts, log }
}

#[test]
fn a_valid_history_has_no_violation() {
    assert_eq!(check(&Register, &history()), []);
}

#[test]
fn concurrent_requests_may_be_ordered_either_way() {
    let mut history = history();
    let (first, second) = (history.attempts[6].clone(), history.attempts[9].clone());
    (history.attempts[9].sent, history.attempts[9].answered) = (first.sent, second.answered);
    assert_eq!(check(&Register, &history), []);
}

#[test]
fn a_command_with_an_unknown_outcome_may_be_written_late() {
    let mut history = history();
    history.attempts.truncate(8);
    history.log.truncate(4);
    history.attempts.push(attempt(11, (1, 2), &["late"], Answer::Unknown));
    history.log.push(event(11, 5, "late"));
    assert_eq!(check(&Register, &history), []);
}

#[test]
fn a_command_may_be_reported_as_replayed_if_no_answer_contradicts_it() {
    let mut history = history();
    history.attempts.drain(7..9);
    history.attempts[7].answer = replayed(&[5]);
    assert_eq!(check(&Register, &history), []);
}
