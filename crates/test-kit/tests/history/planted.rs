use test_kit::history::{Answer, History, Invariant, check};

use crate::{
    good::{accepted, attempt, event, history, id, refused, satisfied},
    register::{Register, set},
};

/// The check of the history with this error in it finds just this promise broken, or several of them.
#[track_caller]
fn breaks<const N: usize>(mut invariants: [Invariant; N], plant: impl FnOnce(&mut History)) {
    let mut history = history();
    plant(&mut history);
    let breaches = check(&Register, &history);
    let mut broken: Vec<_> = breaches.iter().map(|breach| breach.invariant).collect();
    broken.sort_unstable();
    broken.dedup();
    invariants.sort_unstable();
    assert_eq!(broken, invariants, "{breaches:#?}");
}

/// Counts the log anew, as if what was taken from it or put into it had been so from the beginning.
fn renumber(history: &mut History) {
    for (version, event) in (1..).zip(&mut history.log) {
        (event.version, event.sequence) = (version, version);
    }
}

#[test]
fn a_lost_event_is_found() {
    breaks([Invariant::Order], |history| drop(history.log.remove(3)));
}

#[test]
fn a_lost_end_of_the_log_is_found() {
    breaks([Invariant::NothingLost, Invariant::Linearizable], |history| drop(history.log.pop()));
}

#[test]
fn a_command_that_was_acknowledged_and_never_written_is_found() {
    breaks([Invariant::NothingLost], |history| {
        history.attempts.push(attempt(20, (70, 75), &["x"], accepted(&[5])));
    });
}

#[test]
fn an_event_that_was_told_to_be_elsewhere_is_found() {
    for other in [(0, 3), (1, 2)] {
        breaks([Invariant::NothingLost], |history| {
            let Answer::Accepted { position, .. } = &mut history.attempts[0].answer else { unreachable!() };
            *position = Some(other);
        });
    }
    breaks([Invariant::NothingLost], |history| history.attempts[0].answer = accepted(&[2]));
}

#[test]
fn an_event_that_nobody_asked_for_is_found() {
    breaks([Invariant::NoPhantom], |history| {
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
fn an_event_of_a_command_that_was_denied_is_found() {
    for denied in [Answer::NotNow { code: "overloaded".to_owned() }, Answer::NotSent] {
        breaks([Invariant::NoPhantom], |history| history.attempts[9].answer = denied);
    }
    breaks([Invariant::NoPhantom, Invariant::Linearizable], |history| {
        history.attempts[9].answer = refused();
    });
}

#[test]
fn a_command_that_was_denied_and_later_said_to_be_done_before_is_found() {
    breaks([Invariant::NoPhantom], |history| {
        history.attempts[1].answer = Answer::NotNow { code: "not-ready".to_owned() };
    });
}

#[test]
fn a_command_that_is_written_twice_is_found() {
    breaks([Invariant::NoDuplicate, Invariant::Linearizable], |history| {
        history.log.insert(5, event(1, 6, "a"));
        history.log[5].event_id = id(3000);
        renumber(history);
        let Answer::Accepted { version, .. } = &mut history.attempts[10].answer else { unreachable!() };
        *version = 7;
    });
}

#[test]
fn an_event_that_is_there_twice_is_found() {
    breaks([Invariant::Order, Invariant::NoDuplicate], |history| {
        let again = history.log[0].clone();
        history.log.insert(1, again);
    });
}

#[test]
fn a_key_with_two_effects_is_found() {
    breaks([Invariant::NoDuplicate], |history| {
        history.attempts[4].answer = accepted(&[2, 3]);
    });
}

#[test]
fn a_key_that_was_said_to_be_used_and_was_not_is_found() {
    breaks([Invariant::NoDuplicate], |history| history.attempts[4].command_id = id(40));
}

#[test]
fn swapped_events_are_found() {
    breaks([Invariant::Order], |history| history.log.swap(3, 4));
}

#[test]
fn an_event_in_another_partition_is_found() {
    breaks([Invariant::Order], |history| {
        history.log[5].partition = 1;
        history.log[5].sequence = 1;
    });
}

#[test]
fn an_epoch_that_goes_down_is_found() {
    breaks([Invariant::Order], |history| history.log[2].epoch = 2);
}

#[test]
fn a_write_that_was_answered_before_an_earlier_one_was_asked_for_is_found() {
    breaks([Invariant::Linearizable], |history| {
        (history.attempts[9].asked, history.attempts[9].answered) = (55, 58);
    });
}

#[test]
fn a_write_that_was_there_before_it_was_asked_for_is_found() {
    breaks([Invariant::Linearizable], |history| {
        (history.attempts[3].asked, history.attempts[3].answered) = (7, 8);
    });
}

#[test]
fn an_answer_from_an_old_image_is_found() {
    breaks([Invariant::Linearizable], |history| {
        (history.attempts[5].asked, history.attempts[5].answered) = (66, 67);
    });
    breaks([Invariant::Linearizable], |history| {
        (history.attempts[3].asked, history.attempts[3].answered) = (66, 67);
    });
}

#[test]
fn an_answer_from_what_was_not_committed_yet_is_found() {
    breaks([Invariant::Linearizable], |history| {
        (history.attempts[11].asked, history.attempts[11].answered) = (76, 77);
    });
    breaks([Invariant::Linearizable], |history| {
        history.attempts[5].answer = Answer::OtherVersion { current: 4 };
    });
}

#[test]
fn an_answer_that_was_never_true_is_found() {
    breaks([Invariant::Linearizable], |history| {
        history.attempts[11].answer = Answer::Refused { code: "another".to_owned() };
    });
    breaks([Invariant::Linearizable], |history| history.attempts[3].answer = satisfied(2));
    breaks([Invariant::Linearizable], |history| {
        history.attempts[5].answer = Answer::OtherVersion { current: 9 };
    });
    breaks([Invariant::Linearizable], |history| {
        history.attempts[5].answer = Answer::OtherVersion { current: 2 };
    });
}

#[test]
fn a_repetition_that_was_refused_although_the_first_was_done_is_found() {
    breaks([Invariant::Linearizable], |history| {
        history.attempts.push(attempt(7, (90, 95), &["g"], refused()));
    });
}

#[test]
fn an_event_that_the_rules_do_not_allow_is_found() {
    breaks([Invariant::Legal, Invariant::NoDuplicate], |history| history.log[0].fact = set("x"));
    breaks([Invariant::Legal, Invariant::NoDuplicate], |history| {
        history.attempts[6].expected = Some(2);
    });
}

#[test]
fn a_torn_command_is_found() {
    breaks([Invariant::AllOrNone, Invariant::NothingLost, Invariant::Linearizable], |history| {
        history.log.truncate(2);
        history.attempts.truncate(3);
        history.attempts.push(attempt(12, (30, 35), &["b"], satisfied(3)));
    });
    breaks([Invariant::AllOrNone], |history| {
        history.log.truncate(2);
        history.attempts.truncate(2);
    });
}

#[test]
fn an_answer_that_nobody_should_get_is_found() {
    breaks([Invariant::Answers], |history| {
        history.attempts[12].answer = Answer::Wrong("503 without Retry-After".to_owned());
    });
}
