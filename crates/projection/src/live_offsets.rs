use sqlx::PgConnection;

use crate::{PartitionOffsets, Source};

/// The offsets that the live generation of a projection has reached.
#[derive(Debug, Default)]
pub(crate) struct LiveOffsets {
    /// The number of the live generation; 0 if there is none.
    pub(crate) generation: i32,
    /// The offsets of all partitions that were ever claimed.
    pub(crate) offsets: PartitionOffsets,
}

impl LiveOffsets {
    pub(crate) async fn read(connection: &mut PgConnection, source: &Source) -> Result<Self, sqlx::Error> {
        let rows: Vec<(i32, i32, i64)> = sqlx::query_as(
            "SELECT generation, partition, next_offset
               FROM checkpoint JOIN projection_generation USING (projection, generation)
              WHERE state = 'live' AND projection = $1 AND topic = $2",
        )
        .bind(&source.projection)
        .bind(&source.topic)
        .fetch_all(connection)
        .await?;
        let generation = rows.first().map_or(0, |row| row.0);
        Ok(Self { generation, offsets: rows.into_iter().map(|row| (row.1, row.2)).collect() })
    }
}
