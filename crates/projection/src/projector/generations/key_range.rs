use sqlx::PgConnection;

use super::{GenerationError, tables::quoted};

/// The primary key of a table. Values are passed as text, because their types are known only to Postgres.
pub(super) struct Key {
    columns: Vec<String>,
    types: Vec<String>,
}

/// The rows after one key, up to and including another. Without the one, the range begins at the first row; without the
/// other, it ends at the last.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyRange {
    pub(super) after: Option<Vec<String>>,
    pub(super) up_to: Option<Vec<String>>,
}

/// The statement parameters that hold the ends of the range.
const AFTER: &str = "$1";
const UP_TO: &str = "$2";

impl Key {
    /// Reads the primary key of a live table.
    pub(super) async fn of(connection: &mut PgConnection, table: &str) -> Result<Self, GenerationError> {
        let columns: Vec<(String, String)> = sqlx::query_as(
            "SELECT quote_ident(attname), format_type(atttypid, atttypmod)
               FROM pg_index CROSS JOIN unnest(indkey) WITH ORDINALITY AS part (attnum, place)
               JOIN pg_attribute ON attrelid = indrelid AND pg_attribute.attnum = part.attnum
              WHERE indrelid = format('public.%I', $1::text)::regclass AND indisprimary AND place <= indnkeyatts
              ORDER BY place",
        )
        .bind(table)
        .fetch_all(connection)
        .await?;
        if columns.is_empty() {
            return Err(GenerationError::NoPrimaryKey(table.to_owned()));
        }
        let (columns, types) = columns.into_iter().unzip();
        Ok(Self { columns, types })
    }

    /// The columns, separated by commas.
    pub(super) fn columns(&self) -> String {
        self.columns.join(", ")
    }

    /// The condition that a row is in the range.
    pub(super) fn is_within(&self) -> String {
        let key = self.columns();
        let (after, up_to) = (self.values(AFTER), self.values(UP_TO));
        format!(
            "({AFTER}::text[] IS NULL OR ({key}) > ({after})) AND ({UP_TO}::text[] IS NULL OR ({key}) <= ({up_to}))"
        )
    }

    fn values(&self, parameter: &str) -> String {
        let value = |(place, kind)| format!("({parameter}::text[])[{}]::{kind}", place + 1);
        self.types.iter().enumerate().map(value).collect::<Vec<_>>().join(", ")
    }

    /// The key of the row with this number in a range, counted from 1; `None` if the range has fewer rows.
    pub(super) async fn nth(
        &self,
        connection: &mut PgConnection,
        table: &str,
        range: &KeyRange,
        number: i64,
    ) -> Result<Option<Vec<String>>, sqlx::Error> {
        let texts: Vec<_> = self.columns.iter().map(|column| format!("{column}::text")).collect();
        let (texts, key, is_within) = (texts.join(", "), self.columns(), self.is_within());
        let table = quoted(table);
        let nth = format!(
            "SELECT ARRAY[{texts}] FROM public.{table} WHERE {is_within} ORDER BY {key} OFFSET $3 LIMIT 1"
        );
        let nth = sqlx::query_scalar(&nth).bind(&range.after).bind(&range.up_to).bind(number - 1);
        nth.fetch_optional(connection).await
    }
}
