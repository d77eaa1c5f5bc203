//! Files with one entry per line.

use std::{fs, path::Path};

use anyhow::Context;

/// Reads a list of the repository.
pub(crate) fn read(repository: &Path, list: &str) -> anyhow::Result<String> {
    fs::read_to_string(repository.join(list)).with_context(|| format!("cannot read {list}"))
}

/// The list with these lines at its end.
pub(crate) fn with(list: &str, lines: impl IntoIterator<Item = String>) -> String {
    lines.into_iter().fold(list.to_owned(), |list, line| list + &line + "\n")
}

/// The list without the lines for which `is_removed` returns true.
pub(crate) fn without(list: &str, is_removed: impl Fn(&str) -> bool) -> String {
    list.lines().filter(|line| !is_removed(line)).flat_map(|line| [line, "\n"]).collect()
}
