use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Attempt, Fact, History, LoggedEvent, Rules};

/// The events and requests of one aggregate.
pub(super) struct Aggregate<'h, S> {
    pub(super) id: &'h str,
    /// Its events, in the order of the log.
    pub(super) events: Vec<&'h LoggedEvent>,
    pub(super) attempts: Vec<&'h Attempt>,
    /// The state at every version, from 0.
    pub(super) states: Vec<S>,
    /// The events of each command.
    pub(super) writes: Vec<Write<'h>>,
}

/// The consecutive events of one command.
pub(super) struct Write<'h> {
    pub(super) command_id: Uuid,
    /// The aggregate's version before it.
    pub(super) before: usize,
    pub(super) events: Vec<&'h LoggedEvent>,
}

impl Write<'_> {
    /// The aggregate's version after it.
    pub(super) fn after(&self) -> usize {
        self.before + self.events.len()
    }
}

impl<'h, S: Default + Clone> Aggregate<'h, S> {
    /// Every aggregate that has a request or an event in the log.
    pub(super) fn all<R: Rules<State = S>>(rules: &R, history: &'h History) -> Vec<Self> {
        let mut parts: BTreeMap<&str, (Vec<&LoggedEvent>, Vec<&Attempt>)> = BTreeMap::new();
        for event in &history.log {
            parts.entry(&event.aggregate).or_default().0.push(event);
        }
        for attempt in &history.attempts {
            parts.entry(&attempt.aggregate).or_default().1.push(attempt);
        }
        let aggregates = parts.into_iter();
        aggregates.map(|(id, (events, attempts))| Self::new(rules, id, events, attempts)).collect()
    }

    fn new<R: Rules<State = S>>(
        rules: &R,
        id: &'h str,
        events: Vec<&'h LoggedEvent>,
        attempts: Vec<&'h Attempt>,
    ) -> Self {
        let mut states = vec![S::default()];
        for event in &events {
            let next = rules.evolve(states[states.len() - 1].clone(), &event.fact);
            states.push(next);
        }
        let writes = writes(&events);
        Self { id, events, attempts, states, writes }
    }

    /// The write of a command, if it is in the log.
    pub(super) fn write_of(&self, command_id: Uuid) -> Option<&Write<'h>> {
        self.writes.iter().find(|write| write.command_id == command_id)
    }

    /// What a request leads to at a version; `None` if it expects a different version.
    pub(super) fn decide_at<R: Rules<State = S>>(
        &self,
        rules: &R,
        attempt: &Attempt,
        version: usize,
    ) -> Option<Result<Vec<Fact>, String>> {
        let expects_another = attempt.expected.is_some_and(|expected| expected != version as u64);
        (!expects_another).then(|| rules.decide(&self.states[version], &attempt.request))
    }

    /// Whether a request leads to exactly these events.
    pub(super) fn leads_to<R: Rules<State = S>>(
        &self,
        rules: &R,
        attempt: &Attempt,
        write: &Write<'_>,
    ) -> bool {
        self.decide_at(rules, attempt, write.before)
            .is_some_and(|decided| decided.is_ok_and(|facts| facts.iter().eq(write.facts())))
    }
}

impl Write<'_> {
    pub(super) fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.events.iter().map(|event| &event.fact)
    }
}

fn writes<'h>(events: &[&'h LoggedEvent]) -> Vec<Write<'h>> {
    let mut before = 0;
    let commands = events.chunk_by(|one, next| one.command_id == next.command_id);
    let write = |events: &[&'h LoggedEvent]| {
        let write = Write { command_id: events[0].command_id, before, events: events.to_vec() };
        before = write.after();
        write
    };
    commands.map(write).collect()
}
