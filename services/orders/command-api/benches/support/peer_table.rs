//! The table of the comparison, printed and written to `docs/benchmarks/peers.md`.

use std::{
    fmt::{self, Display, Formatter},
    fs,
};

use test_kit::{machine, repository};

use crate::{durability::Durability, load::Report, systems::System};

const PAGE: &str = "docs/benchmarks/peers.md";

/// What is measured in each system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) class: Durability,
    pub(crate) commands: String,
    pub(crate) connections: usize,
}

/// What each system has done, in the order of [`System::ALL`].
#[derive(Default)]
pub(crate) struct PeerTable {
    /// The commands per second of each run.
    rows: Vec<(Row, [Vec<f64>; System::ALL.len()])>,
    refused: [usize; System::ALL.len()],
    lost_updates: i64,
}

impl PeerTable {
    pub(crate) fn add(&mut self, row: Row, system: System, report: &Report) {
        let position = self.rows.iter().position(|(known, _)| *known == row).unwrap_or_else(|| {
            self.rows.push((row, Default::default()));
            self.rows.len() - 1
        });
        let column =
            System::ALL.iter().position(|known| *known == system).expect("the array has all systems");
        self.rows[position].1[column].push(report.rate());
        self.refused[column] += report.refused;
    }

    pub(crate) fn add_lost(&mut self, updates: i64) {
        self.lost_updates += updates;
    }

    /// Prints the table, and writes the page.
    pub(crate) fn finish(&self, conditions: &str) {
        let [ours, plain, snapshots] = self.refused;
        let text = format!(
            "Commands per second, with each run in parentheses. {conditions} Answered 503: {ours} by Foldline, {plain} \
             by cqrs-es, {snapshots} by cqrs-es with snapshots. Updates of the read model that cqrs-es lost: {}.\n\n\
             {}; cqrs-es {}, postgres-es {}.\n\n{self}",
            self.lost_updates,
            machine(),
            peer_version("cqrs-es"),
            peer_version("postgres-es")
        );
        println!("\n{text}");
        let page = format!(
            "# Comparison with cqrs-es\n\nWritten by `make bench-peers`; see [benchmarks](../benchmarks.md) for what is \
             compared.\n\n{text}"
        );
        fs::write(repository().join(PAGE), page).expect("the page can be written");
    }
}

/// The version of a crate that the peer uses.
fn peer_version(name: &str) -> String {
    let lock = fs::read_to_string(repository().join("services/orders/bench-peer/Cargo.lock"));
    let lock = lock.expect("the peer has a lock file");
    let version = lock.split_once(&format!("name = \"{name}\"\nversion = \"")).map(|(_, rest)| rest);
    version.and_then(|rest| rest.split('"').next()).expect("the peer uses the crate").to_owned()
}

impl Display for PeerTable {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let [ours, plain, snapshots] = System::ALL.map(System::name);
        writeln!(
            f,
            "| class | commands | connections | {ours} | {plain} | {snapshots} | {ours} / best of the others |"
        )?;
        writeln!(f, "| --- | --- | ---: | ---: | ---: | ---: | ---: |")?;
        for (Row { class, commands, connections }, runs) in &self.rows {
            let [ours, plain, snapshots] = runs.each_ref().map(|runs| median(runs));
            write!(f, "| {} | {commands} | {connections} |", class.letter())?;
            for runs in runs {
                let each: Vec<_> = runs.iter().map(|rate| format!("{rate:.0}")).collect();
                write!(f, " {:.0} ({}) |", median(runs), each.join(", "))?;
            }
            writeln!(f, " {:.2} |", ours / plain.max(snapshots))?;
        }
        Ok(())
    }
}

/// The mean of both middle values if there is an even number of them.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    f64::midpoint(sorted[middle], sorted[(sorted.len() - 1) / 2])
}
