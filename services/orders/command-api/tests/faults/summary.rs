//! The figures of one or more runs, as tables.

use std::{
    collections::BTreeMap,
    fmt::{self, Display, Formatter},
};

use test_kit::history::Answer;

use crate::{chaos::Kind, fault_run::Outcome, outages};

/// The counts of all runs.
#[derive(Default)]
pub(crate) struct Summary {
    runs: usize,
    answers: BTreeMap<&'static str, usize>,
    events: usize,
    faults: BTreeMap<Kind, usize>,
    outages: BTreeMap<Kind, Vec<u64>>,
    violations: usize,
    pub(crate) evicted_repeated: usize,
}

impl Summary {
    pub(crate) fn add(&mut self, outcome: &Outcome) {
        self.runs += 1;
        self.events += outcome.history.log.len();
        self.violations += outcome.violations.len();
        self.evicted_repeated += outcome.evicted_repeated;
        for attempt in &outcome.history.attempts {
            *self.answers.entry(name(&attempt.answer)).or_default() += 1;
        }
        for disturbance in &outcome.disturbances {
            *self.faults.entry(disturbance.kind).or_default() += 1;
        }
        for (kind, outages) in outages::after(&outcome.disturbances, &outcome.history) {
            let all = self.outages.entry(kind).or_default();
            all.extend(outages);
            all.sort_unstable();
        }
    }
}

fn name(answer: &Answer) -> &'static str {
    match answer {
        Answer::Accepted { .. } => "acknowledged",
        Answer::Refused { .. } => "refused by a rule",
        Answer::OtherVersion { .. } => "refused for the version",
        Answer::KeyReused => "refused for the key",
        Answer::NotExecuted { .. } => "not executed",
        Answer::NotSent => "not sent",
        Answer::Unknown => "unknown",
        Answer::Invalid(_) => "invalid",
    }
}

impl Display for Summary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} runs, {} events, {} violations", self.runs, self.events, self.violations)?;
        writeln!(f, "{} commands repeated after they were evicted", self.evicted_repeated)?;
        writeln!(f, "\n{:<24}{:>10}", "answers", "")?;
        for (name, count) in &self.answers {
            writeln!(f, "{name:<24}{count:>10}")?;
        }
        let heads = ["times", "partitions", "p50 ms", "p99 ms", "max ms"];
        let [times, partitions, p50, p99, max] = heads;
        writeln!(f, "\n{:<24}{times:>10}{partitions:>12}{p50:>10}{p99:>10}{max:>10}", "outage after")?;
        for (kind, times) in &self.faults {
            let outages = self.outages.get(kind).map_or(&[][..], Vec::as_slice);
            let [p50, p99, max] = [50, 99, 100].map(|percent| milliseconds(outages, percent));
            let (kind, partitions) = (format!("{kind:?}"), outages.len());
            writeln!(f, "{kind:<24}{times:>10}{partitions:>12}{p50:>10}{p99:>10}{max:>10}")?;
        }
        Ok(())
    }
}

/// A percentile of sorted microseconds, in milliseconds.
fn milliseconds(sorted: &[u64], percent: usize) -> String {
    let index = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(index).map_or_else(|| "-".to_owned(), |micros| (micros / 1000).to_string())
}
