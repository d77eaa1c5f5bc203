//! Checks that one order of events explains every answer, and agrees with the times of requests and answers.
//!
//! The log gives the order: version 1, 2, 3 … It remains to find a moment for each event. Answers bound these moments:
//! if a request sent at `a` was answered with version 5 at `b`, then event 5 came before `b` and event 6 after `a`.
//! Such moments exist exactly if no event has a lower bound above its own upper bound or that of a later event.

use super::{Answer, Attempt, Invariant, Rules, Violation, aggregates::Aggregate};

/// A moment, and the request that implies it.
type Bound<'h> = Option<(u64, &'h Attempt)>;

/// For each event (from index 1): the moment after which it came, and the moment before which it came.
struct Moments<'h> {
    after: Vec<Bound<'h>>,
    before: Vec<Bound<'h>>,
}

/// Every answer about an aggregate was true at some moment.
pub(super) fn linearizable<R: Rules>(rules: &R, aggregate: &Aggregate<'_, R::State>) -> Vec<Violation> {
    let mut moments = Moments::of(aggregate.events.len());
    let mut violations = Vec::new();
    moments.bound_writes(rules, aggregate);
    for attempt in &aggregate.attempts {
        if let Some(versions) = claimed_versions(rules, aggregate, attempt) {
            let Some((lowest, highest)) = versions else {
                violations.push(Violation::new(Invariant::Linearizable, never_true(aggregate.id, attempt)));
                continue;
            };
            moments.bound(lowest, highest, attempt);
            moments.deny(aggregate, attempt);
        }
    }
    violations.extend(moments.contradiction(aggregate.id));
    violations
}

/// The lowest and highest version at which the answer is true; `Some(None)` if there is none, and `None` if the answer
/// says nothing about the version at that time.
#[expect(clippy::option_option, reason = "no claim is not the same as a claim that is never true")]
fn claimed_versions<R: Rules>(
    rules: &R,
    aggregate: &Aggregate<'_, R::State>,
    attempt: &Attempt,
) -> Option<Option<(usize, usize)>> {
    let is_true_at = |version: usize| match &attempt.answer {
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
            let mut versions = (0..aggregate.states.len()).filter(|version| is_true_at(*version));
            Some(versions.next().map(|lowest| (lowest, versions.next_back().unwrap_or(lowest))))
        }
        _ => None,
    }
}

fn never_true(aggregate: &str, attempt: &Attempt) -> String {
    format!("{aggregate}: this answer is true at no version: {attempt}")
}

impl<'h> Moments<'h> {
    fn of(events: usize) -> Self {
        Self { after: vec![None; events + 1], before: vec![None; events + 1] }
    }

    /// A write came after the first request that may have led to it, and before the first answer that reports it.
    fn bound_writes<R: Rules>(&mut self, rules: &R, aggregate: &Aggregate<'h, R::State>) {
        for write in &aggregate.writes {
            let attempts =
                || aggregate.attempts.iter().filter(|attempt| attempt.command_id == write.command_id);
            let causes = attempts().filter(|attempt| {
                attempt.answer.may_have_written() && aggregate.leads_to(rules, attempt, write)
            });
            if let Some(first) = causes.min_by_key(|attempt| attempt.asked) {
                self.came_after(write.before + 1, first);
            }
            let tell = |attempt: &&&Attempt| match &attempt.answer {
                Answer::Accepted { events, .. } => !events.is_empty(),
                answer => *answer == Answer::KeyReused,
            };
            for reported in attempts().filter(tell) {
                self.came_before(write.after(), reported);
            }
        }
    }

    /// At some moment between request and answer, the version was in this range.
    fn bound(&mut self, lowest: usize, highest: usize, attempt: &'h Attempt) {
        self.came_before(lowest, attempt);
        self.came_after(highest + 1, attempt);
    }

    /// An answer from the rules implies that the command had not been executed: its events came later, if at all.
    fn deny<S: Default + Clone>(&mut self, aggregate: &Aggregate<'h, S>, attempt: &'h Attempt) {
        if let Some(write) = aggregate.write_of(attempt.command_id) {
            self.came_after(write.before + 1, attempt);
        }
    }

    fn came_after(&mut self, version: usize, attempt: &'h Attempt) {
        if let Some(bound) = self.after.get_mut(version)
            && bound.is_none_or(|(moment, _)| moment < attempt.asked)
        {
            *bound = Some((attempt.asked, attempt));
        }
    }

    fn came_before(&mut self, version: usize, attempt: &'h Attempt) {
        if let Some(bound) = self.before.get_mut(version)
            && bound.is_none_or(|(moment, _)| moment > attempt.answered)
        {
            *bound = Some((attempt.answered, attempt));
        }
    }

    /// The first event for which there is no possible moment.
    fn contradiction(&self, aggregate: &str) -> Option<Violation> {
        let mut latest: Bound<'_> = None;
        for (version, (after, before)) in self.after.iter().zip(&self.before).enumerate().skip(1) {
            latest = latest.into_iter().chain(*after).max_by_key(|(moment, _)| *moment);
            if let (Some((after, later)), Some((before, earlier))) = (latest, before)
                && after > *before
            {
                let what = format!(
                    "{aggregate}: version {version} came before {before} µs and after {after} µs: \
                     {earlier}; {later}"
                );
                return Some(Violation::new(Invariant::Linearizable, what));
            }
        }
        None
    }
}
