use std::{
    fmt::Display,
    io::{self, ErrorKind, Write, stdout},
};

use anyhow::Error;
use clap::{Args, ValueEnum};
use serde_json::{Map, Value};

/// How results are printed.
#[derive(Args, Clone, Copy)]
pub(crate) struct Output {
    /// How to print the result.
    #[arg(long = "output", value_name = "FORMAT", value_enum, default_value = "table")]
    pub(crate) format: Format,
}

/// A format for results.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Columns, for humans.
    Table,
    /// One JSON object per line, for programs.
    Json,
}

impl Output {
    /// Prints rows with these column names.
    pub(crate) fn print<const N: usize>(self, names: [&str; N], rows: &[[Value; N]]) -> io::Result<()> {
        match self.format {
            Format::Table => print_table(names, rows),
            Format::Json => rows.iter().try_for_each(|row| print_line(object(names, row))),
        }
    }
}

fn object<const N: usize>(names: [&str; N], row: &[Value; N]) -> Value {
    Value::Object(names.into_iter().map(str::to_owned).zip(row.iter().cloned()).collect::<Map<_, _>>())
}

fn print_table<const N: usize>(names: [&str; N], rows: &[[Value; N]]) -> io::Result<()> {
    let headings = names.map(heading);
    let lines: Vec<_> =
        [headings].into_iter().chain(rows.iter().map(|row| row.each_ref().map(text))).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    for line in &lines {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        print_line(cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

/// The heading of a column.
pub(crate) fn heading(name: &str) -> String {
    name.replace('_', " ").to_uppercase()
}

/// Prints a line with a single write and flushes it, so that a reader receives it immediately, and Ctrl-C never
/// truncates it.
pub(crate) fn print_line(line: impl Display) -> io::Result<()> {
    let mut out = stdout().lock();
    out.write_all(format!("{line}\n").as_bytes())?;
    out.flush()
}

/// Whether an error means that the reader has closed standard output.
pub(crate) fn is_closed(error: &Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.any(|cause| cause.kind() == ErrorKind::BrokenPipe)
}

/// A value as plain text. Control characters are escaped, because the text may come from outside.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.chars().flat_map(escaped).collect(),
        other => other.to_string(),
    }
}

fn escaped(letter: char) -> Vec<char> {
    if letter.is_control() { letter.escape_default().collect() } else { vec![letter] }
}
