//! Checks that the order of events explains every answer, and is consistent with the times of requests and answers.
//!
//! The log determines the order: version 1, 2, 3 … It remains to find a time for each event. Answers bound these times:
//! if a request sent at `a` was answered with version 5 at `b`, then event 5 came before `b` and event 6 after `a`.
//! Such times exist if and only if no event has a lower bound above its own upper bound or that of a later event.

use super::{Answer, Attempt, Invariant, Rules, Violation, aggregates::Aggregate};

/// A time, and the request that implies it.
type Bound<'h> = Option<(u64, &'h Attempt)>;

/// For each event (from index 1): the time after which it happened, and the time before which it happened.
struct Times<'h> {
    after: Vec<Bound<'h>>,
    before: Vec<Bound<'h>>,
}

/// Every answer about an aggregate was correct at some time between its request and its arrival.
pub(super) fn linearizable<R: Rules>(rules: &R, aggregate: &Aggregate<'_, R::State>) -> Vec<Violation> {
    let mut times = Times::of(aggregate.events.len());
    let mut violations = Vec::new();
    times.bound_writes(rules, aggregate);
    for attempt in &aggregate.attempts {
        if let Some(versions) = possible_versions(rules, aggregate, attempt) {
            let Some((lowest, highest)) = versions else {
                violations
                    .push(Violation::new(Invariant::Linearizable, never_correct(aggregate.id, attempt)));
                continue;
            };
            times.bound(lowest, highest, attempt);
            times.bound_later_write(aggregate, attempt);
        }
    }
    violations.extend(times.contradiction(aggregate.id));
    violations
}

/// The lowest and highest version at which the answer is correct; `Some(None)` if there is none, and `None` if the
/// answer implies nothing about the version at that time.
#[expect(
    clippy::option_option,
    reason = "an answer that implies no version differs from one that is never correct"
)]
fn possible_versions<R: Rules>(
    rules: &R,
    aggregate: &Aggregate<'_, R::State>,
    attempt: &Attempt,
) -> Option<Option<(usize, usize)>> {
    let is_correct_at = |version: usize| match &attempt.answer {
        Answer::Accepted { version: reported, .. } => {
            *reported == version as u64
                && aggregate.decide_at(rules, attempt, version).is_some_and(|decided| decided == Ok(vec![]))
        }
        Answer::Refused { code } => aggregate
            .decide_at(rules, attempt, version)
            .is_some_and(|decided| decided.is_err_and(|refusal| refusal == *code)),
        Answer::OtherVersion { current } => {
            *current == version as u64 && attempt.expected.is_some_and(|expected| expected != *current)
        }
        _ => false,
    };
    match &attempt.answer {
        Answer::Accepted { events, .. } if !events.is_empty() => None,
        Answer::Accepted { .. } | Answer::Refused { .. } | Answer::OtherVersion { .. } => {
            let mut versions = (0..aggregate.states.len()).filter(|version| is_correct_at(*version));
            Some(versions.next().map(|lowest| (lowest, versions.next_back().unwrap_or(lowest))))
        }
        _ => None,
    }
}

fn never_correct(aggregate: &str, attempt: &Attempt) -> String {
    format!("{aggregate}: this answer is correct at no version: {attempt}")
}

impl<'h> Times<'h> {
    fn of(events: usize) -> Self {
        Self { after: vec![None; events + 1], before: vec![None; events + 1] }
    }

    /// A write happened after the first request that may have led to it, and before the first answer that reports it.
    fn bound_writes<R: Rules>(&mut self, rules: &R, aggregate: &Aggregate<'h, R::State>) {
        for write in &aggregate.writes {
            let attempts =
                || aggregate.attempts.iter().filter(|attempt| attempt.command_id == write.command_id);
            let causes = attempts().filter(|attempt| {
                attempt.answer.may_have_written() && aggregate.leads_to(rules, attempt, write)
            });
            if let Some(first) = causes.min_by_key(|attempt| attempt.sent) {
                self.happened_after(write.before + 1, first);
            }
            let reports_write = |attempt: &&&Attempt| match &attempt.answer {
                Answer::Accepted { events, .. } => !events.is_empty(),
                answer => *answer == Answer::KeyReused,
            };
            for reported in attempts().filter(reports_write) {
                self.happened_before(write.after(), reported);
            }
        }
    }

    /// At some time between request and answer, the version was in this range.
    fn bound(&mut self, lowest: usize, highest: usize, attempt: &'h Attempt) {
        self.happened_before(lowest, attempt);
        self.happened_after(highest + 1, attempt);
    }

    /// An answer that follows from the rules implies that the command had not been executed: its events happened later,
    /// if at all.
    fn bound_later_write<S: Default + Clone>(&mut self, aggregate: &Aggregate<'h, S>, attempt: &'h Attempt) {
        if let Some(write) = aggregate.write_of(attempt.command_id) {
            self.happened_after(write.before + 1, attempt);
        }
    }

    fn happened_after(&mut self, version: usize, attempt: &'h Attempt) {
        if let Some(bound) = self.after.get_mut(version)
            && bound.is_none_or(|(time, _)| time < attempt.sent)
        {
            *bound = Some((attempt.sent, attempt));
        }
    }

    fn happened_before(&mut self, version: usize, attempt: &'h Attempt) {
        if let Some(bound) = self.before.get_mut(version)
            && bound.is_none_or(|(time, _)| time > attempt.answered)
        {
            *bound = Some((attempt.answered, attempt));
        }
    }

    /// The first event for which no time is possible.
    fn contradiction(&self, aggregate: &str) -> Option<Violation> {
        let mut latest: Bound<'_> = None;
        for (version, (after, before)) in self.after.iter().zip(&self.before).enumerate().skip(1) {
            latest = latest.into_iter().chain(*after).max_by_key(|(time, _)| *time);
            if let (Some((after, after_attempt)), Some((before, before_attempt))) = (latest, before)
                && after > *before
            {
                let description = format!(
                    "{aggregate}: version {version} happened before {before} µs and after {after} µs: \
                     {before_attempt}; {after_attempt}"
                );
                return Some(Violation::new(Invariant::Linearizable, description));
            }
        }
        None
    }
}
