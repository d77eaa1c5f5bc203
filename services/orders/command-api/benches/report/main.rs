//! Prints the figures that the benchmarks before it have recorded, each beside its target, and writes them to
//! `docs/benchmarks/commands.md`. `make bench` runs it last.

mod targets;

use std::{
    collections::BTreeMap,
    fmt::{self, Display, Formatter},
    fs,
};

use targets::{Bound, LIMITS, TARGETS, Target};
use test_kit::{machine, recorded_figures, repository, setting};

const PAGE: &str = "docs/benchmarks/commands.md";
const CONNECTIONS: [usize; 4] = [16, 64, 256, 512];
/// The processes whose processor time is recorded.
const PROCESSES: [&str; 5] = ["client", "command-API", "Kafka", "projector", "Postgres"];

fn main() {
    let report = Report { figures: recorded_figures() };
    println!("\n{report}");
    let page = format!(
        "# Figures of commands\n\nWritten by `make bench`; see [benchmarks](../benchmarks.md) for what is measured. \
         Durability class C: Kafka's defaults. Each measurement lasts {} s.\n\n{}.\n\n{report}",
        setting("FOLDLINE_BENCH_SECONDS", 10),
        machine()
    );
    fs::write(repository().join(PAGE), page).expect("the page can be written");
}

struct Report {
    figures: BTreeMap<String, f64>,
}

impl Report {
    fn figure(&self, name: &str) -> Option<f64> {
        self.figures.get(name).copied()
    }

    /// The row of a target in the table, if its figure has been measured.
    fn row(&self, target: &Target) -> Option<String> {
        let figure = self.figure(target.figure)?;
        let limit = target.limit.as_ref().and_then(|limit| Some((limit.name, self.figure(limit.figure)?)));
        let ratio = limit.map(|(_, limit)| figure / limit);
        let (bound, met) = match target.bound {
            Bound::AtLeast(least) => (format!("≥ {least} {}", target.unit), figure >= least),
            Bound::AtMost(most) => (format!("≤ {most} {}", target.unit), figure <= most),
            Bound::ShareAtLeast(least) => (format!("≥ {least} × limit"), ratio? >= least),
            Bound::ShareAtMost(most) => (format!("≤ {most} × limit"), ratio? <= most),
        };
        let of_limit =
            limit.map_or_else(String::new, |(name, limit)| format!("{:.2} × {name}", figure / limit));
        Some(format!(
            "| {} | {} | {bound} | {} {} | {of_limit} | {} |",
            target.row,
            target.what,
            rounded(figure),
            target.unit,
            if met { "yes" } else { "**no**" }
        ))
    }

    /// The processor time of each process for a command.
    fn processor_time(&self, connections: usize) -> Option<String> {
        let times = PROCESSES.map(|process| self.figure(&format!("{connections}.cpu.{process}")));
        let all: Option<f64> = times.iter().copied().sum();
        let cells: Vec<_> =
            times.into_iter().chain([all]).map(|time| time.map(rounded)).collect::<Option<_>>()?;
        Some(format!("| {connections} | {} |", cells.join(" | ")))
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "| row | what | target | figure | of the limit in this run | met |")?;
        writeln!(f, "| --- | --- | --- | ---: | ---: | --- |")?;
        for row in TARGETS.iter().filter_map(|target| self.row(target)) {
            writeln!(f, "{row}")?;
        }
        writeln!(f, "\n| limit | figure |")?;
        writeln!(f, "| --- | ---: |")?;
        for (what, name, unit) in LIMITS {
            let Some(figure) = self.figure(name) else { continue };
            writeln!(f, "| {what} | {} {unit} |", rounded(figure))?;
        }
        writeln!(f, "\nProcessor time of a command, in µs:\n")?;
        writeln!(f, "| connections | {} | all |", PROCESSES.join(" | ").replace('-', " "))?;
        writeln!(f, "| ---: |{}", " ---: |".repeat(PROCESSES.len() + 1))?;
        for row in CONNECTIONS.iter().filter_map(|connections| self.processor_time(*connections)) {
            writeln!(f, "{row}")?;
        }
        Ok(())
    }
}

/// Three digits or more.
fn rounded(value: f64) -> String {
    match value {
        100.0.. => format!("{value:.0}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
