//! Projections that no session asks: only what is there in the end can be compared.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{LoggedRecord, ParkedRecord, Promise, ReadHistory, Violation, parked::nothing_skipped};

/// A projection that no session asks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Projected {
    /// What the log makes of its tables, without what must be parked.
    pub due: Vec<Row>,
    /// What it must park, in the order of the log.
    pub unfit: Vec<LoggedRecord>,
    /// What it has parked in the end, each aggregate's in the order in which it would be applied.
    pub parked: Vec<ParkedRecord>,
    /// What is in its tables in the end, by a name that says how that came about.
    pub models: BTreeMap<String, Vec<Row>>,
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The table.
    pub table: String,
    /// What names the row. That there is only one of a name is not taken for granted.
    pub key: String,
    /// Every column.
    pub content: Value,
}

/// In every model there is each row that the log leads to, once and as the log says, and no other one.
pub(super) fn are_the_fold(history: &ReadHistory) -> Vec<Violation> {
    let mut breaches = Vec::new();
    for projected in history.projections.values() {
        let due = by_name(&projected.due);
        for (model, rows) in &projected.models {
            breaches.extend(differences(model, &due, &by_name(rows)));
        }
    }
    breaches
}

/// Each parks what it must, and nothing else.
pub(super) fn skip_nothing(history: &ReadHistory) -> impl Iterator<Item = Violation> {
    history.projections.iter().flat_map(|(name, projected)| {
        let breaches = nothing_skipped(&projected.unfit, &projected.parked);
        breaches
            .into_iter()
            .map(move |breach| Violation { what: format!("{name}, {}", breach.what), ..breach })
    })
}

/// By table and key, all rows of that name.
type Rows<'h> = BTreeMap<(&'h str, &'h str), Vec<&'h Value>>;

fn by_name(rows: &[Row]) -> Rows<'_> {
    let mut named = Rows::new();
    for Row { table, key, content } in rows {
        named.entry((table, key)).or_default().push(content);
    }
    named
}

fn differences(model: &str, due: &Rows<'_>, found: &Rows<'_>) -> Vec<Violation> {
    let names: BTreeSet<_> = due.keys().chain(found.keys()).collect();
    let wrong = names.into_iter().filter(|name| due.get(*name) != found.get(*name));
    wrong
        .map(|name| {
            let ((table, key), found, due) = (name, told(found.get(name)), told(due.get(name)));
            Violation::new(Promise::Fold, format!("{model}, {table} {key}: {found}, the log says {due}"))
        })
        .collect()
}

fn told(rows: Option<&Vec<&Value>>) -> String {
    let rows = rows.into_iter().flatten().map(ToString::to_string).collect::<Vec<_>>();
    if rows.is_empty() { "no row".to_owned() } else { rows.join(" and ") }
}
