//! The figures of one or more runs, as tables.

use std::{
    collections::BTreeMap,
    fmt::{self, Display, Formatter},
};

use test_kit::read_history::{Projected, Read, ReadAnswer, ReadHistory};

use crate::{chaos::Kind, fault_run::Outcome};

/// The counts of all runs.
#[derive(Default)]
pub(crate) struct Summary {
    runs: usize,
    events: usize,
    violations: usize,
    writes: usize,
    answers: BTreeMap<&'static str, usize>,
    faults: BTreeMap<Kind, usize>,
    /// The rows by table and model.
    compared: BTreeMap<String, BTreeMap<String, usize>>,
    /// The parked events by projection.
    parked: BTreeMap<String, usize>,
}

impl Summary {
    pub(crate) fn add(&mut self, outcome: &Outcome) {
        self.runs += 1;
        self.events += outcome.history.steps.len();
        self.violations += outcome.violations.len();
        self.writes += outcome.history.writes.len();
        for read in &outcome.history.reads {
            *self.answers.entry(name(read)).or_default() += 1;
        }
        for disturbance in &outcome.disturbances {
            *self.faults.entry(disturbance.kind).or_default() += 1;
        }
        self.add_compared(&outcome.history);
    }

    /// Adds the numbers of rows and parked events that were compared with the log.
    fn add_compared(&mut self, history: &ReadHistory) {
        self.count_parked("orders", history.parked.len());
        for (model, orders) in &history.models {
            self.count_rows("orders", model, orders.len());
        }
        for (name, Projected { parked, models, .. }) in &history.projections {
            self.count_parked(name, parked.len());
            for (model, rows) in models {
                for row in rows {
                    self.count_rows(&row.table, model, 1);
                }
            }
        }
    }

    fn count_parked(&mut self, projection: &str, events: usize) {
        *self.parked.entry(projection.to_owned()).or_default() += events;
    }

    fn count_rows(&mut self, table: &str, model: &str, rows: usize) {
        let table = self.compared.entry(table.to_owned()).or_default();
        *table.entry(model.to_owned()).or_default() += rows;
    }
}

fn name(read: &Read) -> &'static str {
    match &read.answer {
        ReadAnswer::Shown(_) if read.lenient => "shown leniently",
        ReadAnswer::Shown(_) => "shown",
        ReadAnswer::NotYetVisible => "not yet visible",
        ReadAnswer::Unavailable { .. } => "unavailable",
        ReadAnswer::NoResponse => "no answer",
        ReadAnswer::Invalid(_) => "invalid",
    }
}

impl Display for Summary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { runs, events, violations, writes, .. } = self;
        writeln!(f, "{runs} runs, {events} events applied, {violations} violations")?;
        writeln!(f, "\n{:<24}{writes:>10}", "commands acknowledged")?;
        for (name, count) in &self.answers {
            writeln!(f, "{name:<24}{count:>10}")?;
        }
        writeln!(f)?;
        for (kind, times) in &self.faults {
            writeln!(f, "{:<24}{times:>10}", format!("{kind:?}"))?;
        }
        writeln!(f)?;
        for (table, models) in &self.compared {
            for (model, rows) in models {
                writeln!(f, "{:<40}{rows:>10}", format!("rows of {table}, {model}"))?;
            }
        }
        for (projection, events) in &self.parked {
            writeln!(f, "{:<40}{events:>10}", format!("parked events of {projection}"))?;
        }
        Ok(())
    }
}
