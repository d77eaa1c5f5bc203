//! The answers to the clients match the log.

use uuid::Uuid;

use super::{Answer, Attempt, Invariant, Rules, Violation, aggregates::Aggregate};

/// No client received an invalid answer.
pub(super) fn valid(attempts: &[Attempt]) -> Vec<Violation> {
    let violations = attempts.iter().filter_map(|attempt| match &attempt.answer {
        Answer::Invalid(text) => Some(Violation::new(
            Invariant::Answers,
            format!("{}: command {} was answered by {text}", attempt.aggregate, attempt.command_id),
        )),
        _ => None,
    });
    violations.collect()
}

/// Every acknowledged command is in the log as its answer reports it, and every key reported as reused was used before.
pub(super) fn match_the_log<R: Rules>(rules: &R, aggregate: &Aggregate<'_, R::State>) -> Vec<Violation> {
    let violations = aggregate.attempts.iter().filter_map(|attempt| {
        let (invariant, reason) = match &attempt.answer {
            Answer::Accepted { events, .. } if events.is_empty() => None,
            Answer::Accepted { version, events, position, .. } => {
                lost(rules, aggregate, attempt, (*version, events, *position))
            }
            Answer::KeyReused => not_reused(rules, aggregate, attempt),
            _ => None,
        }?;
        let (id, command, answer) = (aggregate.id, attempt.command_id, &attempt.answer);
        Some(Violation::new(
            invariant,
            format!("{id}: command {command} was answered by {answer:?}: {reason}"),
        ))
    });
    violations.collect()
}

type Acknowledged<'a> = (u64, &'a [Uuid], Option<(i32, i64)>);

fn lost<R: Rules>(
    rules: &R,
    aggregate: &Aggregate<'_, R::State>,
    attempt: &Attempt,
    (version, events, position): Acknowledged<'_>,
) -> Option<(Invariant, String)> {
    let Some(write) = aggregate.write_of(attempt.command_id) else {
        return Some((Invariant::NothingLost, "it is not in the log".to_owned()));
    };
    let last = write.events[write.events.len() - 1];
    let ids = write.events.iter().map(|event| event.event_id);
    if version != last.version
        || position != Some((last.partition, last.offset))
        || !ids.eq(events.iter().copied())
    {
        return Some((Invariant::NothingLost, format!("the log has {:?}", write.events)));
    }
    let is_of_another = !aggregate.leads_to(rules, attempt, write);
    is_of_another.then(|| (Invariant::NoDuplicate, "the key has the effect of another request".to_owned()))
}

fn not_reused<R: Rules>(
    rules: &R,
    aggregate: &Aggregate<'_, R::State>,
    attempt: &Attempt,
) -> Option<(Invariant, String)> {
    let write = aggregate.write_of(attempt.command_id);
    let is_used_for_another = write.is_some_and(|write| {
        let others = aggregate.attempts.iter().filter(|other| other.command_id == attempt.command_id);
        others
            .filter(|other| other.request != attempt.request)
            .any(|other| aggregate.leads_to(rules, other, write))
    });
    (!is_used_for_another).then(|| (Invariant::NoDuplicate, "no other request has used the key".to_owned()))
}
