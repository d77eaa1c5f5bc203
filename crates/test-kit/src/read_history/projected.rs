//! Projections that no session queries. Only their final rows are compared.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Invariant, LoggedRecord, ParkedRecord, ReadHistory, Violation, parked::nothing_skipped};

/// A projection that no session queries.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Projected {
    /// Its tables as folded from the log, without the events that must be parked.
    pub expected: Vec<Row>,
    /// The records that it must park, in the order of the log.
    pub unfit: Vec<LoggedRecord>,
    /// The records parked at the end, for each aggregate in the order in which they would be applied.
    pub parked: Vec<ParkedRecord>,
    /// The rows at the end of the run, by the name of the model: how it was built.
    pub models: BTreeMap<String, Vec<Row>>,
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The table.
    pub table: String,
    /// The row's key. It is not assumed to be unique.
    pub key: String,
    /// Every column.
    pub content: Value,
}

/// Every model has exactly the rows that the log leads to, each once and with the right content.
pub(super) fn are_the_fold(history: &ReadHistory) -> Vec<Violation> {
    let mut violations = Vec::new();
    for projected in history.projections.values() {
        let expected = by_name(&projected.expected);
        for (model, rows) in &projected.models {
            violations.extend(differences(model, &expected, &by_name(rows)));
        }
    }
    violations
}

/// Each projection parks the events that it must park, and no others.
pub(super) fn skip_nothing(history: &ReadHistory) -> impl Iterator<Item = Violation> {
    history.projections.iter().flat_map(|(name, projected)| {
        let violations = nothing_skipped(&projected.unfit, &projected.parked);
        violations.into_iter().map(move |violation| Violation {
            description: format!("{name}, {}", violation.description),
            ..violation
        })
    })
}

/// The rows by table and key.
type Rows<'h> = BTreeMap<(&'h str, &'h str), Vec<&'h Value>>;

fn by_name(rows: &[Row]) -> Rows<'_> {
    let mut named = Rows::new();
    for Row { table, key, content } in rows {
        named.entry((table, key)).or_default().push(content);
    }
    named
}

fn differences(model: &str, expected: &Rows<'_>, found: &Rows<'_>) -> Vec<Violation> {
    let names: BTreeSet<_> = expected.keys().chain(found.keys()).collect();
    let wrong = names.into_iter().filter(|name| expected.get(*name) != found.get(*name));
    wrong
        .map(|name| {
            let ((table, key), found, expected) =
                (name, describe(found.get(name)), describe(expected.get(name)));
            Violation::new(
                Invariant::Fold,
                format!("{model}, {table} {key}: {found}, the log says {expected}"),
            )
        })
        .collect()
}

fn describe(rows: Option<&Vec<&Value>>) -> String {
    let rows = rows.into_iter().flatten().map(ToString::to_string).collect::<Vec<_>>();
    if rows.is_empty() { "no row".to_owned() } else { rows.join(" and ") }
}
