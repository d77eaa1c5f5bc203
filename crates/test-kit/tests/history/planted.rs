use test_kit::history::{Answer, History, Invariant, check};

use crate::{
    register::{Register, set},
    valid::{accepted, attempt, event, history, id, refused, unchanged},
};

/// Plants an error in the history, and asserts that the check finds exactly these invariants violated.
#[track_caller]
fn assert_violates<const N: usize>(mut invariants: [Invariant; N], plant: impl FnOnce(&mut History)) {
    let mut history = history();
    plant(&mut history);
    let violations = check(&Register, &history);
    let mut broken: Vec<_> = violations.iter().map(|violation| violation.invariant).collect();
    broken.sort_unstable();
    broken.dedup();
    invariants.sort_unstable();
    assert_eq!(broken, invariants, "{violations:#?}");
}

/// Renumbers the events after one was added or removed, so that only the planted error remains.
fn renumber(history: &mut History) {
    for (version, event) in (1..).zip(&mut history.log) {
        (event.version, event.sequence) = (version, version);
    }
}

#[test]
fn a_lost_event_is_found() {
    assert_violates([Invariant::Order], |history| drop(history.log.remove(3)));
}

#[test]
fn a_truncated_log_is_found() {
    assert_violates([Invariant::NothingLost, Invariant::Linearizable], |history| drop(history.log.pop()));
}

#[test]
fn an_acknowledged_command_that_was_never_written_is_found() {
    assert_violates([Invariant::NothingLost], |history| {
        history.attempts.push(attempt(20, (70, 75), &["x"], accepted(&[5])));
    });
}

#[test]
fn an_answer_with_a_wrong_position_is_found() {
    for other in [(0, 3), (1, 2)] {
        assert_violates([Invariant::NothingLost], |history| {
            let Answer::Accepted { position, .. } = &mut history.attempts[0].answer else { unreachable!() };
            *position = Some(other);
        });
    }
    assert_violates([Invariant::NothingLost], |history| history.attempts[0].answer = accepted(&[2]));
}

#[test]
fn an_event_that_no_client_requested_is_found() {
    assert_violates([Invariant::NoPhantom], |history| {
        history.log.insert(5, event(30, 6, "x"));
        history.log[5].event_id = id(3000);
        renumber(history);
        let closed = &mut history.attempts[10].answer;
        *closed = accepted(&[7]);
        let Answer::Accepted { events, position, .. } = closed else { unreachable!() };
        (*events, *position) = (vec![id(1006)], Some((0, 12)));
    });
}

#[test]
fn an_event_of_a_command_reported_as_not_executed_is_found() {
    for denied in [Answer::NotExecuted { code: "overloaded".to_owned() }, Answer::NotSent] {
        assert_violates([Invariant::NoPhantom], |history| history.attempts[9].answer = denied);
    }
    assert_violates([Invariant::NoPhantom, Invariant::Linearizable], |history| {
        history.attempts[9].answer = refused();
    });
}

#[test]
fn a_command_reported_as_not_executed_and_later_as_replayed_is_found() {
    assert_violates([Invariant::NoPhantom], |history| {
        history.attempts[1].answer = Answer::NotExecuted { code: "not-ready".to_owned() };
    });
}

#[test]
fn a_command_that_was_written_twice_is_found() {
    assert_violates([Invariant::NoDuplicate, Invariant::Linearizable], |history| {
        history.log.insert(5, event(1, 6, "a"));
        history.log[5].event_id = id(3000);
        renumber(history);
        let Answer::Accepted { version, .. } = &mut history.attempts[10].answer else { unreachable!() };
        *version = 7;
    });
}

#[test]
fn a_duplicate_event_is_found() {
    assert_violates([Invariant::Order, Invariant::NoDuplicate], |history| {
        let again = history.log[0].clone();
        history.log.insert(1, again);
    });
}

#[test]
fn a_key_with_two_effects_is_found() {
    assert_violates([Invariant::NoDuplicate], |history| {
        history.attempts[4].answer = accepted(&[2, 3]);
    });
}

#[test]
fn a_key_wrongly_reported_as_reused_is_found() {
    assert_violates([Invariant::NoDuplicate], |history| history.attempts[4].command_id = id(40));
}

#[test]
fn swapped_events_are_found() {
    assert_violates([Invariant::Order], |history| history.log.swap(3, 4));
}

#[test]
fn an_event_in_another_partition_is_found() {
    assert_violates([Invariant::Order], |history| {
        history.log[5].partition = 1;
        history.log[5].sequence = 1;
    });
}

#[test]
fn an_epoch_that_decreases_is_found() {
    assert_violates([Invariant::Order], |history| history.log[2].epoch = 2);
}

#[test]
fn a_write_answered_before_an_earlier_one_was_requested_is_found() {
    assert_violates([Invariant::Linearizable], |history| {
        (history.attempts[9].sent, history.attempts[9].answered) = (55, 58);
    });
}

#[test]
fn a_write_seen_before_it_was_requested_is_found() {
    assert_violates([Invariant::Linearizable], |history| {
        (history.attempts[3].sent, history.attempts[3].answered) = (7, 8);
    });
}

#[test]
fn an_answer_from_a_stale_state_is_found() {
    assert_violates([Invariant::Linearizable], |history| {
        (history.attempts[5].sent, history.attempts[5].answered) = (66, 67);
    });
    assert_violates([Invariant::Linearizable], |history| {
        (history.attempts[3].sent, history.attempts[3].answered) = (66, 67);
    });
}

#[test]
fn an_answer_from_an_uncommitted_state_is_found() {
    assert_violates([Invariant::Linearizable], |history| {
        (history.attempts[11].sent, history.attempts[11].answered) = (76, 77);
    });
    assert_violates([Invariant::Linearizable], |history| {
        history.attempts[5].answer = Answer::OtherVersion { current: 4 };
    });
}

#[test]
fn an_answer_that_was_never_correct_is_found() {
    assert_violates([Invariant::Linearizable], |history| {
        history.attempts[11].answer = Answer::Refused { code: "another".to_owned() };
    });
    assert_violates([Invariant::Linearizable], |history| history.attempts[3].answer = unchanged(2));
    assert_violates([Invariant::Linearizable], |history| {
        history.attempts[5].answer = Answer::OtherVersion { current: 9 };
    });
    assert_violates([Invariant::Linearizable], |history| {
        history.attempts[5].answer = Answer::OtherVersion { current: 2 };
    });
}

#[test]
fn a_retry_refused_after_the_command_was_accepted_is_found() {
    assert_violates([Invariant::Linearizable], |history| {
        history.attempts.push(attempt(7, (90, 95), &["g"], refused()));
    });
}

#[test]
fn an_event_that_breaks_the_rules_is_found() {
    assert_violates([Invariant::Legal, Invariant::NoDuplicate], |history| history.log[0].fact = set("x"));
    assert_violates([Invariant::Legal, Invariant::NoDuplicate], |history| {
        history.attempts[6].expected = Some(2);
    });
}

#[test]
fn a_partially_written_command_is_found() {
    assert_violates([Invariant::AllOrNone, Invariant::NothingLost, Invariant::Linearizable], |history| {
        history.log.truncate(2);
        history.attempts.truncate(3);
        history.attempts.push(attempt(12, (30, 35), &["b"], unchanged(3)));
    });
    assert_violates([Invariant::AllOrNone], |history| {
        history.log.truncate(2);
        history.attempts.truncate(2);
    });
}

#[test]
fn an_invalid_answer_is_found() {
    assert_violates([Invariant::Answers], |history| {
        history.attempts[12].answer = Answer::Invalid("503 without Retry-After".to_owned());
    });
}
