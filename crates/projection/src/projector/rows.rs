use sqlx::PgConnection;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::ProjectionError;

/// One column of some rows, as an array for `UNNEST`.
pub fn column<'r, R, T>(rows: &'r [R], value: impl Fn(&'r R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

/// Rows in the text format of `COPY`: columns are separated by tabs, rows end with a line feed.
/// <https://www.postgresql.org/docs/current/sql-copy.html>
#[derive(Debug, Default)]
pub struct CopyRows(String);

/// A row that is written column by column.
#[must_use = "a row must be ended"]
pub struct CopyRow<'r>(&'r mut String);

impl CopyRows {
    /// Begins the next row.
    pub fn row(&mut self) -> CopyRow<'_> {
        CopyRow(&mut self.0)
    }

    /// Adds the rows to a table with a statement `COPY … FROM STDIN`.
    pub async fn copy(self, transaction: &mut PgConnection, statement: &str) -> Result<(), ProjectionError> {
        let mut copy = transaction.copy_in_raw(statement).await?;
        copy.send(self.0.into_bytes()).await?;
        copy.finish().await?;
        Ok(())
    }
}

impl CopyRow<'_> {
    /// Adds a number or an id.
    pub fn plain(self, value: &impl ToString) -> Self {
        self.column(&value.to_string())
    }

    /// Adds text.
    pub fn text(self, value: &str) -> Self {
        for character in value.chars() {
            match character {
                '\\' => self.0.push_str("\\\\"),
                '\t' => self.0.push_str("\\t"),
                '\n' => self.0.push_str("\\n"),
                '\r' => self.0.push_str("\\r"),
                other => self.0.push(other),
            }
        }
        self.column("")
    }

    /// Adds a point in time.
    pub fn time(self, value: OffsetDateTime) -> Self {
        let text = value.format(&Rfc3339).expect("times in the log have four-digit years");
        self.column(&text)
    }

    /// Adds a null.
    pub fn null(self) -> Self {
        self.column("\\N")
    }

    /// Adds a value or a null.
    pub fn optional<T>(self, value: Option<T>, some: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => some(self, value),
            None => self.null(),
        }
    }

    /// Ends the row.
    pub fn end(self) {
        self.0.pop();
        self.0.push('\n');
    }

    fn column(self, text: &str) -> Self {
        self.0.push_str(text);
        self.0.push('\t');
        self
    }
}
