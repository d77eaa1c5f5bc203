use clap::ValueEnum;
use serde_json::{Map, Value};

/// How a list is printed.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Output {
    /// In columns, for people.
    Table,
    /// As one JSON object a line.
    Json,
}

impl Output {
    /// Prints rows of so many named values.
    pub(crate) fn print<const N: usize>(self, names: [&str; N], rows: &[[Value; N]]) {
        match self {
            Self::Table => print_table(names, rows),
            Self::Json => {
                for row in rows {
                    let object: Map<_, _> =
                        names.into_iter().map(str::to_owned).zip(row.iter().cloned()).collect();
                    println!("{}", Value::Object(object));
                }
            }
        }
    }
}

fn print_table<const N: usize>(names: [&str; N], rows: &[[Value; N]]) {
    let heads = names.map(|name| name.replace('_', " ").to_uppercase());
    let lines: Vec<_> = [heads].into_iter().chain(rows.iter().map(|row| row.each_ref().map(text))).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    for line in &lines {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        println!("{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}

/// A value as people write it. Control characters are shown, not obeyed: some of it was sent by anybody.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.chars().flat_map(shown).collect(),
        other => other.to_string(),
    }
}

fn shown(letter: char) -> Vec<char> {
    if letter.is_control() { letter.escape_default().collect() } else { vec![letter] }
}
