use std::fmt::{self, Display, Formatter};

/// The result of comparing two generations at the same position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The number of the live generation.
    pub live: i32,
    /// The number of the other one.
    pub other: i32,
    /// The result for each table.
    pub tables: Vec<TableComparison>,
}

/// The result of comparing a table with the live one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableComparison {
    /// The table's name.
    pub table: String,
    /// How many rows the live table has.
    pub live_rows: i64,
    /// How many rows the other table has.
    pub other_rows: i64,
    /// How many key ranges were compared by a hash of their rows.
    pub ranges: usize,
    /// How many of them differ.
    pub differing_ranges: usize,
    /// Rows that differ; if there are many, only the first ones.
    pub differences: Vec<Difference>,
}

/// A row, as JSON, that differs between the generations or that only one of them has.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Difference {
    /// The live row.
    pub live: Option<String>,
    /// The row of the other generation.
    pub other: Option<String>,
}

impl Comparison {
    /// Whether every row of every table is the same.
    pub fn is_equal(&self) -> bool {
        self.tables.iter().all(|table| table.differing_ranges == 0)
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "generation {} beside the live generation {}", self.other, self.live)?;
        self.tables.iter().try_for_each(|table| write!(f, "\n{table}"))
    }
}

impl Display for TableComparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { table, live_rows, other_rows, ranges, differing_ranges, differences } = self;
        write!(f, "{table}: {other_rows} rows, {live_rows} live; ")?;
        write!(f, "{differing_ranges} of {ranges} key ranges differ")?;
        differences.iter().try_for_each(|difference| write!(f, "\n{difference}"))
    }
}

impl Display for Difference {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let row = |row: &Option<String>| row.clone().unwrap_or_else(|| "(no such row)".to_owned());
        write!(f, "  live   {}\n  other  {}", row(&self.live), row(&self.other))
    }
}
