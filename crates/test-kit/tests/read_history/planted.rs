use serde_json::json;
use test_kit::read_history::{Behind, Invariant, Offsets, Read, ReadAnswer, ReadHistory, Row, Shown, check};

use crate::valid::{at, content, history, parked, read, row, shown, step, write};

/// Plants an error in the history, and asserts that the check finds exactly these invariants violated.
#[track_caller]
fn assert_violates<const N: usize>(mut invariants: [Invariant; N], plant: impl FnOnce(&mut ReadHistory)) {
    let mut history = history();
    plant(&mut history);
    let violations = check(&history);
    let mut broken: Vec<_> = violations.iter().map(|violation| violation.invariant).collect();
    broken.sort_unstable();
    broken.dedup();
    invariants.sort_unstable();
    assert_eq!(broken, invariants, "{violations:#?}");
}

fn shown_by(history: &mut ReadHistory, index: usize) -> &mut Shown {
    let ReadAnswer::Shown(shown) = &mut history.reads[index].answer else {
        panic!("read {index} returned no content")
    };
    shown
}

#[test]
fn an_answer_older_than_its_token_is_found() {
    assert_violates([Invariant::TokenHonoured, Invariant::MonotonicReads], |history| {
        history.reads[3].answer = shown(1, 3);
    });
}

#[test]
fn an_answer_older_than_another_sessions_token_is_found() {
    assert_violates([Invariant::TokenHonoured], |history| {
        history.reads.push(Read { session: 1, ..read("a", at(6), 90, shown(2, 5)) });
    });
}

#[test]
fn an_unreached_token_is_found_even_if_the_aggregate_did_not_change() {
    assert_violates([Invariant::TokenHonoured], |history| history.reads[3].token = at(5));
}

#[test]
fn old_rows_presented_as_current_are_found() {
    assert_violates(
        [Invariant::TokenHonoured, Invariant::MonotonicReads, Invariant::MatchesItsPosition],
        |history| {
            let shown = shown_by(history, 6);
            (shown.version, shown.content) = (2, content(2));
        },
    );
}

#[test]
fn rows_ahead_of_their_checkpoint_are_found() {
    assert_violates([Invariant::MatchesItsPosition], |history| shown_by(history, 1).version = 2);
}

#[test]
fn rows_with_the_right_version_and_wrong_content_are_found() {
    assert_violates([Invariant::MatchesItsPosition], |history| {
        shown_by(history, 3).content = json!({ "value": 0 });
    });
}

#[test]
fn an_aggregate_that_vanishes_is_found() {
    assert_violates([Invariant::MonotonicReads], |history| {
        history.reads.push(read("a", Offsets::new(), 90, shown(0, 1)));
    });
}

#[test]
fn a_version_that_decreases_is_found_without_a_token() {
    assert_violates([Invariant::MonotonicReads], |history| {
        history.reads.push(read("a", Offsets::new(), 90, shown(2, 4)));
    });
}

#[test]
fn a_version_below_the_sessions_own_write_is_found() {
    assert_violates([Invariant::MonotonicReads], |history| {
        history.reads.remove(6);
        history.reads.push(read("a", Offsets::new(), 56, shown(2, 4)));
    });
}

#[test]
fn an_answer_that_hides_parked_events_is_found() {
    assert_violates([Invariant::ReportsParked], |history| shown_by(history, 10).behind = Behind::No);
}

#[test]
fn an_answer_that_reports_wrong_parked_events_is_found() {
    assert_violates([Invariant::ReportsParked], |history| shown_by(history, 3).behind = Behind::Since(4));
    assert_violates([Invariant::ReportsParked], |history| shown_by(history, 9).behind = Behind::Since(8));
}

#[test]
fn an_invalid_answer_is_found() {
    assert_violates([Invariant::Answers], |history| {
        history.reads[5].answer = ReadAnswer::Invalid("500".to_owned());
    });
}

#[test]
fn rows_that_are_not_the_fold_are_found_in_every_model() {
    for name in ["live", "rebuilt"] {
        let model = |history: &mut ReadHistory| history.models.get_mut(name).unwrap().clone();
        for (aggregate, rows) in [("a", content(2)), ("b", content(1)), ("new", content(1))] {
            assert_violates([Invariant::Fold], |history| {
                let mut changed = model(history);
                changed.insert(aggregate.to_owned(), rows);
                history.models.insert(name.to_owned(), changed);
            });
        }
        assert_violates([Invariant::Fold], |history| {
            let mut changed = model(history);
            changed.remove("a");
            history.models.insert(name.to_owned(), changed);
        });
    }
}

#[test]
fn an_event_that_was_skipped_is_found_in_the_rows() {
    assert_violates([Invariant::Fold], |history| history.steps.push(step("a", 4, 9)));
}

#[test]
fn a_write_that_never_becomes_visible_is_found() {
    assert_violates([Invariant::Visible], |history| history.writes.push(write("a", 4, 90)));
    assert_violates([Invariant::Visible], |history| history.writes.push(write("never", 1, 90)));
}

#[test]
fn an_event_that_is_neither_applied_nor_parked_is_found() {
    assert_violates([Invariant::NothingSkipped], |history| drop(history.parked.remove(0)));
    assert_violates([Invariant::NothingSkipped], |history| drop(history.parked.pop()));
}

#[test]
fn a_parked_event_that_can_be_applied_is_found() {
    assert_violates([Invariant::NothingSkipped], |history| history.parked.push(parked(9)));
}

#[test]
fn an_event_parked_with_different_bytes_or_aggregate_is_found() {
    assert_violates([Invariant::NothingSkipped], |history| history.parked[0].record.payload = vec![]);
    assert_violates([Invariant::NothingSkipped], |history| {
        history.parked[1].record.aggregate = "a".to_owned();
    });
}

#[test]
fn an_event_parked_without_a_reason_is_found() {
    assert_violates([Invariant::NothingSkipped], |history| history.parked[0].reason = None);
    assert_violates([Invariant::NothingSkipped], |history| history.parked[0].reason = Some(String::new()));
}

#[test]
fn parked_events_that_are_out_of_order_or_duplicated_are_found() {
    assert_violates([Invariant::NothingSkipped], |history| history.parked.reverse());
    assert_violates([Invariant::NothingSkipped], |history| history.parked.push(parked(8)));
}

#[test]
fn applicable_events_that_were_parked_are_found() {
    assert_violates([Invariant::Fold, Invariant::NothingSkipped], |history| {
        history.reads.truncate(9);
        history.unfit.clear();
        history.steps.extend([step("b", 3, 7), step("b", 4, 8)]);
    });
}

/// Plants an error in the rows of a projection that no session queries, and asserts that the check finds it in every
/// model.
#[track_caller]
fn assert_violates_fold(plant: impl Fn(&mut Vec<Row>)) {
    for model in ["live", "rebuilt"] {
        assert_violates([Invariant::Fold], |history| {
            plant(history.projections.get_mut("totals").unwrap().models.get_mut(model).unwrap());
        });
    }
}

#[test]
fn a_missing_row_is_found() {
    assert_violates_fold(|rows| drop(rows.pop()));
    assert_violates_fold(Vec::clear);
}

#[test]
fn a_duplicate_row_is_found() {
    assert_violates_fold(|rows| rows.push(rows[0].clone()));
    assert_violates_fold(|rows| rows.push(row("ada", 0, 0)));
}

#[test]
fn a_row_without_an_event_is_found() {
    assert_violates_fold(|rows| rows.push(row("eve", 1, 20)));
}

#[test]
fn one_wrong_field_is_found() {
    assert_violates_fold(|rows| rows[0].content["customer"] = json!("ada"));
    assert_violates_fold(|rows| rows[0].content["customer"] = json!(null));
    assert_violates_fold(|rows| rows[0].content["more"] = json!(null));
}

#[test]
fn a_total_that_is_off_by_one_is_found() {
    assert_violates_fold(|rows| rows[0] = row("bob", 1, 21));
    assert_violates_fold(|rows| rows[0] = row("bob", 2, 20));
}

#[test]
fn a_row_with_the_wrong_key_or_table_is_found() {
    assert_violates_fold(|rows| rows[0].key = "ada".to_owned());
    assert_violates_fold(|rows| rows[0].table = "orders".to_owned());
}

#[test]
fn each_projection_parks_what_it_must_and_nothing_else() {
    assert_violates([Invariant::NothingSkipped], |history| {
        history.projections.get_mut("totals").unwrap().parked.clear();
    });
    assert_violates([Invariant::NothingSkipped], |history| {
        history.projections.get_mut("totals").unwrap().parked.insert(0, parked(7));
    });
}
