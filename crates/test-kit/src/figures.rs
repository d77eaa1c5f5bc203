//! Figures that one benchmark measures and another one reports: one `name value` a line, in the file that
//! `FOLDLINE_BENCH_FIGURES` names. Without that variable nothing is recorded.

use std::{collections::BTreeMap, env, fs, fs::File, io::Write, path::PathBuf};

/// Records a figure: `record_figure("rate.16", 4400.0)`. A later figure of the same name replaces it.
pub fn record_figure(name: &str, value: f64) {
    let Some(file) = file() else { return };
    let mut file = File::options().create(true).append(true).open(file).expect("the file can be written");
    writeln!(file, "{name} {value}").expect("the file can be written");
}

/// The figures recorded so far, by name.
pub fn recorded_figures() -> BTreeMap<String, f64> {
    let text = file().and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
    let figures = text.lines().filter_map(|line| line.split_once(' '));
    figures.map(|(name, value)| (name.to_owned(), value.parse().expect("a number"))).collect()
}

fn file() -> Option<PathBuf> {
    env::var_os("FOLDLINE_BENCH_FIGURES").map(PathBuf::from)
}
