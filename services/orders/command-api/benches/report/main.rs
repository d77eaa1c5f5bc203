//! Prints the figures that the benchmarks before it have recorded, each beside its target, and writes them to a page in
//! `docs/benchmarks`. `.ci/bench` runs it last, with the name of the page in `FOLDLINE_BENCH_PAGE`.

mod targets;

use std::{
    collections::BTreeMap,
    fmt::{self, Display, Formatter},
    fs,
};

use targets::{Bound, LIMITS, TARGETS, Target};
use test_kit::{machine, recorded_figures, repository};

const CONNECTIONS: [usize; 4] = [16, 64, 256, 512];
/// The processes whose processor time is recorded, and their sum.
const PROCESSES: [&str; 6] = ["client", "command-API", "Kafka", "projector", "Postgres", "all"];

fn main() {
    let page = std::env::var("FOLDLINE_BENCH_PAGE").expect("FOLDLINE_BENCH_PAGE names the page");
    let (title, target) = match page.as_str() {
        "commands" => ("Figures of commands", "bench"),
        "start" => ("Figures of starts", "starts"),
        "read" => ("Figures of the read side", "reads"),
        other => panic!("there is no page {other}"),
    };
    let report = Report { figures: recorded_figures() };
    println!("\n{report}");
    let text = format!(
        "# {title}\n\nWritten by `make {target}`; see [benchmarks](../benchmarks.md) for what is measured. Durability \
         class C: Kafka's defaults.{}\n\n{}.\n\n{report}",
        report.duration(),
        machine()
    );
    fs::write(repository().join(format!("docs/benchmarks/{page}.md")), text)
        .expect("the page can be written");
}

struct Report {
    figures: BTreeMap<String, f64>,
}

impl Report {
    fn figure(&self, name: &str) -> Option<f64> {
        self.figures.get(name).copied()
    }

    /// How long each measurement lasted, if that was a setting.
    fn duration(&self) -> String {
        let seconds = self.figure("seconds");
        seconds.map_or_else(String::new, |seconds| format!(" Each measurement lasted {seconds} s."))
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
        let times = PROCESSES.iter().map(|process| self.figure(&format!("{connections}.cpu.{process}")));
        let cells: Vec<_> = times.map(|time| time.map(rounded)).collect::<Option<_>>()?;
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
        let limits = LIMITS.iter().filter_map(|(what, name, unit)| {
            self.figure(name).map(|figure| format!("| {what} | {} {unit} |", rounded(figure)))
        });
        section(f, "\n| limit | figure |\n| --- | ---: |", limits)?;
        let heading = format!(
            "\nProcessor time of a command, in µs:\n\n| connections | {} |\n| ---: |{}",
            PROCESSES.join(" | ").replace('-', " "),
            " ---: |".repeat(PROCESSES.len())
        );
        section(f, &heading, CONNECTIONS.iter().filter_map(|connections| self.processor_time(*connections)))
    }
}

/// Nothing, if there are no rows.
fn section(f: &mut Formatter<'_>, heading: &str, rows: impl Iterator<Item = String>) -> fmt::Result {
    for (number, row) in rows.enumerate() {
        if number == 0 {
            writeln!(f, "{heading}")?;
        }
        writeln!(f, "{row}")?;
    }
    Ok(())
}

/// Three digits or more; fewer if the number is whole.
fn rounded(value: f64) -> String {
    match value {
        _ if value.fract() == 0.0 => format!("{value:.0}"),
        100.0.. => format!("{value:.0}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
