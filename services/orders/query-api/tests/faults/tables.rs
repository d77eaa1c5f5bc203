//! The tables of the projections that no session queries.

use serde_json::{Value, json};
use test_kit::read_history::Row;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

pub(crate) const JOURNAL: Table =
    Table { projection: "journal", name: "journal", key: &["partition", "log_offset"] };
pub(crate) const CUSTOMER_TOTALS: Table =
    Table { projection: "customer_totals", name: "customer_totals", key: &["customer_id", "currency"] };
pub(crate) const CUSTOMER_OPEN_ORDERS: Table =
    Table { projection: "customer_totals", name: "customer_open_orders", key: &["order_id"] };

pub(crate) const TABLES: [Table; 3] = [JOURNAL, CUSTOMER_TOTALS, CUSTOMER_OPEN_ORDERS];

pub(crate) struct Table {
    /// The projection that fills it.
    pub(crate) projection: &'static str,
    pub(crate) name: &'static str,
    /// The key columns.
    key: &'static [&'static str],
}

impl Table {
    /// A row with all its columns, with times converted to UTC so that rows can be compared.
    pub(crate) fn row(&self, mut columns: Value) -> Row {
        for (name, value) in columns.as_object_mut().unwrap() {
            if name.ends_with("_at") {
                *value = json!(utc(value.as_str().unwrap()));
            }
        }
        let key: Vec<_> = self.key.iter().map(|name| columns[*name].to_string()).collect();
        Row { table: self.name.to_owned(), key: key.join(" "), content: columns }
    }
}

/// The same time in UTC.
fn utc(text: &str) -> String {
    let time = OffsetDateTime::parse(text, &Rfc3339).unwrap();
    time.to_offset(UtcOffset::UTC).format(&Rfc3339).unwrap()
}
