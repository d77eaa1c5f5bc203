//! Compares the rows of two generations: counts and hashes by key range, then row by row in the ranges that differ.

use sqlx::PgConnection;

use super::{
    Comparison, Difference, GenerationError, TableComparison,
    alignment::Pair,
    key_range::{Key, KeyRange},
    tables::quoted,
};

/// The number of rows that are compared by one hash.
const ROWS_PER_RANGE: i64 = 10_000;
/// The maximum number of differing rows of a table that are shown.
const MAX_DIFFERENCES: usize = 10;

/// Compares all tables. The snapshot must have both generations at the same position.
pub(super) async fn compare(
    snapshot: &mut PgConnection,
    pair: &Pair,
    tables: &[String],
) -> Result<Comparison, GenerationError> {
    let mut compared = Vec::new();
    for table in tables {
        let key = Key::of(snapshot, table).await?;
        let other = format!("{}.{}", quoted(&pair.other.schema()), quoted(table));
        let live = format!("public.{}", quoted(table));
        let tables = Tables { live, other, key };
        compared.push(tables.compare(snapshot, table).await?);
    }
    Ok(Comparison { live: pair.live.number, other: pair.other.number, tables: compared })
}

/// A table in both generations.
struct Tables {
    live: String,
    other: String,
    key: Key,
}

/// The number of rows in a range, and a hash of them.
#[derive(Debug, PartialEq, Eq, sqlx::FromRow)]
struct RangeHash {
    rows: i64,
    /// The sum of the rows' hashes, which does not depend on their order.
    hashes: String,
}

impl Tables {
    async fn compare(
        &self,
        snapshot: &mut PgConnection,
        table: &str,
    ) -> Result<TableComparison, GenerationError> {
        let mut compared = TableComparison {
            table: table.to_owned(),
            live_rows: 0,
            other_rows: 0,
            ranges: 0,
            differing_ranges: 0,
            differences: Vec::new(),
        };
        let mut range = KeyRange::default();
        loop {
            range.up_to = self.key.nth(snapshot, table, &range, ROWS_PER_RANGE).await?;
            self.compare_range(snapshot, &range, &mut compared).await?;
            // The last range has no upper end, so that it includes rows after the last live one.
            let Some(last) = range.up_to.take() else {
                return Ok(compared);
            };
            range.after = Some(last);
        }
    }

    async fn compare_range(
        &self,
        snapshot: &mut PgConnection,
        range: &KeyRange,
        compared: &mut TableComparison,
    ) -> Result<(), sqlx::Error> {
        let live = self.hash(snapshot, &self.live, range).await?;
        let other = self.hash(snapshot, &self.other, range).await?;
        compared.live_rows += live.rows;
        compared.other_rows += other.rows;
        compared.ranges += 1;
        if live != other {
            compared.differing_ranges += 1;
            let limit = MAX_DIFFERENCES - compared.differences.len();
            compared.differences.extend(self.differences(snapshot, range, limit).await?);
        }
        Ok(())
    }

    async fn hash(
        &self,
        snapshot: &mut PgConnection,
        table: &str,
        range: &KeyRange,
    ) -> Result<RangeHash, sqlx::Error> {
        let query = format!(
            "SELECT count(*) AS rows, coalesce(sum(hashtextextended(compared::text, 0)), 0)::text AS hashes
               FROM {table} AS compared
              WHERE {}",
            self.key.is_within()
        );
        sqlx::query_as(&query).bind(&range.after).bind(&range.up_to).fetch_one(snapshot).await
    }

    async fn differences(
        &self,
        snapshot: &mut PgConnection,
        range: &KeyRange,
        limit: usize,
    ) -> Result<Vec<Difference>, sqlx::Error> {
        let Self { live, other, key } = self;
        let (key, is_within) = (key.columns(), key.is_within());
        let query = format!(
            "SELECT to_jsonb(live)::text AS live, to_jsonb(other)::text AS other
               FROM (SELECT * FROM {live} WHERE {is_within}) AS live
               FULL JOIN (SELECT * FROM {other} WHERE {is_within}) AS other USING ({key})
              WHERE live::text IS DISTINCT FROM other::text
              ORDER BY {key}
              LIMIT $3"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let query = sqlx::query_as(&query).bind(&range.after).bind(&range.up_to).bind(limit);
        query.fetch_all(snapshot).await
    }
}
