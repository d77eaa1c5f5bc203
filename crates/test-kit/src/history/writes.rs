//! Every write in the log was requested by a client, and follows from the rules.

use super::{
    Answer, Attempt, Invariant, Rules, Violation,
    aggregates::{Aggregate, Write},
};

/// Every write of an aggregate follows from a request that may have led to it.
pub(super) fn explained<R: Rules>(rules: &R, aggregate: &Aggregate<'_, R::State>) -> Vec<Violation> {
    let unexplained = aggregate.writes.iter().filter_map(|write| {
        let (invariant, reason) = violation(rules, aggregate, write)?;
        let (first, command) = (write.before + 1, write.command_id);
        let description = format!("{}: command {command} at version {first}: {reason}", aggregate.id);
        Some(Violation::new(invariant, description))
    });
    unexplained.collect()
}

fn violation<R: Rules>(
    rules: &R,
    aggregate: &Aggregate<'_, R::State>,
    write: &Write<'_>,
) -> Option<(Invariant, String)> {
    let is_of_command = |attempt: &&&Attempt| attempt.command_id == write.command_id;
    let attempts: Vec<_> = aggregate.attempts.iter().filter(is_of_command).copied().collect();
    let causes: Vec<_> =
        attempts.iter().filter(|attempt| aggregate.leads_to(rules, attempt, write)).collect();
    if causes.iter().any(|attempt| attempt.answer.may_have_written()) {
        return None;
    }
    if attempts.is_empty() {
        return Some((Invariant::NoPhantom, "no client sent it".to_owned()));
    }
    // If every answer says `replayed`, an instance retried the request at another one.
    if let Some(cause) = causes.iter().find(|cause| !matches!(cause.answer, Answer::Accepted { .. })) {
        return Some((Invariant::NoPhantom, format!("it was answered by {:?}", cause.answer)));
    }
    if !causes.is_empty() {
        return None;
    }
    if attempts.iter().any(|attempt| is_torn(rules, aggregate, attempt, write)) {
        return Some((Invariant::AllOrNone, "some of its events are missing".to_owned()));
    }
    Some((Invariant::Legal, format!("{:?} do not follow from {:?}", write.events, attempts[0].request)))
}

/// Whether only some of the events that the request leads to are in the log.
fn is_torn<R: Rules>(
    rules: &R,
    aggregate: &Aggregate<'_, R::State>,
    attempt: &Attempt,
    write: &Write<'_>,
) -> bool {
    let decided = aggregate.decide_at(rules, attempt, write.before).and_then(Result::ok).unwrap_or_default();
    decided.len() > write.events.len() && write.facts().all(|fact| decided.contains(fact))
}
