//! The figures of one or many runs, as tables.

use std::{
    collections::BTreeMap,
    fmt::{self, Display, Formatter},
};

use test_kit::read_history::{Read, ReadAnswer};

use crate::{chaos::Kind, fault_run::Outcome};

/// What is counted.
#[derive(Default)]
pub(crate) struct Summary {
    runs: usize,
    events: usize,
    parked: usize,
    breaches: usize,
    writes: usize,
    answers: BTreeMap<&'static str, usize>,
    faults: BTreeMap<Kind, usize>,
}

impl Summary {
    pub(crate) fn add(&mut self, outcome: &Outcome) {
        self.runs += 1;
        self.events += outcome.history.steps.len();
        self.parked += outcome.history.unfit.len();
        self.breaches += outcome.breaches.len();
        self.writes += outcome.history.writes.len();
        for read in &outcome.history.reads {
            *self.answers.entry(name(read)).or_default() += 1;
        }
        for disturbance in &outcome.disturbances {
            *self.faults.entry(disturbance.kind).or_default() += 1;
        }
    }
}

fn name(read: &Read) -> &'static str {
    match &read.answer {
        ReadAnswer::Shown(_) if read.lenient => "shown as it is",
        ReadAnswer::Shown(_) => "shown",
        ReadAnswer::NotYetVisible => "not yet visible",
        ReadAnswer::NotNow { .. } => "not now",
        ReadAnswer::Nothing => "no answer",
        ReadAnswer::Wrong(_) => "wrong",
    }
}

impl Display for Summary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { runs, events, parked, breaches, writes, .. } = self;
        writeln!(f, "{runs} runs, {events} events applied, {parked} parked, {breaches} breaches")?;
        writeln!(f, "\n{:<24}{writes:>10}", "commands acknowledged")?;
        for (name, count) in &self.answers {
            writeln!(f, "{name:<24}{count:>10}")?;
        }
        writeln!(f)?;
        for (kind, times) in &self.faults {
            writeln!(f, "{:<24}{times:>10}", format!("{kind:?}"))?;
        }
        Ok(())
    }
}
