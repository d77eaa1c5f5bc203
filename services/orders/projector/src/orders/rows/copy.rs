use projection::ProjectionError;
use sqlx::PgConnection;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Rows in the text format of `COPY`: columns are ended by tabs, rows by line feeds.
/// <https://www.postgresql.org/docs/current/sql-copy.html>
#[derive(Debug, Default)]
pub(super) struct Rows(String);

/// A row that is being written; dropping it ends it.
pub(super) struct Row<'r>(&'r mut String);

impl Rows {
    pub(super) fn row(&mut self) -> Row<'_> {
        Row(&mut self.0)
    }

    /// Adds the rows to a table by a statement `COPY … FROM STDIN`.
    pub(super) async fn copy(
        self,
        transaction: &mut PgConnection,
        statement: &str,
    ) -> Result<(), ProjectionError> {
        let mut copy = transaction.copy_in_raw(statement).await?;
        copy.send(self.0.into_bytes()).await?;
        copy.finish().await?;
        Ok(())
    }
}

impl Row<'_> {
    /// A number or an id.
    pub(super) fn plain(self, value: &impl ToString) -> Self {
        self.column(&value.to_string())
    }

    pub(super) fn text(self, value: &str) -> Self {
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

    pub(super) fn time(self, value: OffsetDateTime) -> Self {
        let text = value.format(&Rfc3339).expect("a time of the log has a year of four digits");
        self.column(&text)
    }

    pub(super) fn null(self) -> Self {
        self.column("\\N")
    }

    pub(super) fn optional<T>(self, value: Option<T>, some: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => some(self, value),
            None => self.null(),
        }
    }

    fn column(self, text: &str) -> Self {
        self.0.push_str(text);
        self.0.push('\t');
        self
    }
}

impl Drop for Row<'_> {
    fn drop(&mut self) {
        self.0.pop();
        self.0.push('\n');
    }
}
