//! Compares the rows of two generations: counts and hashes by key range, then row by row in ranges that differ.

use sqlx::PgConnection;

use super::{
    Comparison, Difference, GenerationError, TableComparison,
    alignment::Pair,
    key_range::{Key, KeyRange},
    tables::quoted,
};

/// The number of rows that are compared by one hash.
const RANGE: i64 = 10_000;
/// The most differing rows of a table that are shown.
const SHOWN: usize = 10;

/// Compares all tables. The transaction of `result` must see both generations at the same position.
pub(super) async fn compare(
    result: &mut PgConnection,
    pair: &Pair,
    tables: &[String],
) -> Result<Comparison, GenerationError> {
    let mut compared = Vec::new();
    for table in tables {
        let key = Key::of(result, table).await?;
        let beside = format!("{}.{}", quoted(&pair.other.schema()), quoted(table));
        let live = format!("public.{}", quoted(table));
        let tables = Tables { live, beside, key };
        compared.push(tables.compare(result, table).await?);
    }
    Ok(Comparison { live: pair.live.number, other: pair.other.number, tables: compared })
}

/// A table in both generations.
struct Tables {
    live: String,
    beside: String,
    key: Key,
}

/// What two equal ranges of rows have in common.
#[derive(Debug, PartialEq, Eq, sqlx::FromRow)]
struct Weight {
    rows: i64,
    /// The sum of the rows' hashes: their order does not matter.
    hashes: String,
}

impl Tables {
    async fn compare(
        &self,
        result: &mut PgConnection,
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
            range.up_to = self.key.nth(result, table, &range, RANGE).await?;
            self.compare_range(result, &range, &mut compared).await?;
            // The last range is open, so that it includes rows beyond the last live one.
            let Some(last) = range.up_to.take() else {
                return Ok(compared);
            };
            range.after = Some(last);
        }
    }

    async fn compare_range(
        &self,
        result: &mut PgConnection,
        range: &KeyRange,
        compared: &mut TableComparison,
    ) -> Result<(), sqlx::Error> {
        let live = self.weigh(result, &self.live, range).await?;
        let other = self.weigh(result, &self.beside, range).await?;
        compared.live_rows += live.rows;
        compared.other_rows += other.rows;
        compared.ranges += 1;
        if live != other {
            compared.differing_ranges += 1;
            let room = SHOWN - compared.differences.len();
            compared.differences.extend(self.differences(result, range, room).await?);
        }
        Ok(())
    }

    async fn weigh(
        &self,
        result: &mut PgConnection,
        table: &str,
        range: &KeyRange,
    ) -> Result<Weight, sqlx::Error> {
        let weigh = format!(
            "SELECT count(*) AS rows, coalesce(sum(hashtextextended(compared::text, 0)), 0)::text AS hashes
               FROM {table} AS compared
              WHERE {}",
            self.key.is_within()
        );
        sqlx::query_as(&weigh).bind(&range.after).bind(&range.up_to).fetch_one(result).await
    }

    async fn differences(
        &self,
        result: &mut PgConnection,
        range: &KeyRange,
        most: usize,
    ) -> Result<Vec<Difference>, sqlx::Error> {
        let Self { live, beside, key } = self;
        let (key, is_within) = (key.columns(), key.is_within());
        let differing = format!(
            "SELECT to_jsonb(live)::text AS live, to_jsonb(other)::text AS other
               FROM (SELECT * FROM {live} WHERE {is_within}) AS live
               FULL JOIN (SELECT * FROM {beside} WHERE {is_within}) AS other USING ({key})
              WHERE live::text IS DISTINCT FROM other::text
              ORDER BY {key}
              LIMIT $3"
        );
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let differing = sqlx::query_as(&differing).bind(&range.after).bind(&range.up_to).bind(most);
        differing.fetch_all(result).await
    }
}
