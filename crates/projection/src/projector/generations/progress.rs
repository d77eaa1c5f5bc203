use sqlx::{FromRow, PgConnection};

use super::GenerationError;

/// A generation's position in one partition.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct PartitionProgress {
    /// The projection's name.
    pub projection: String,
    /// The generation's number.
    pub generation: i32,
    /// The topic that the projection reads.
    pub topic: String,
    /// The partition's number.
    pub partition: i32,
    /// The first offset that is not yet applied.
    pub next_offset: i64,
    /// How many events are applied.
    pub sequence: i64,
}

/// How far a generation has caught up with the live one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct Progress {
    /// How many events the generation has applied.
    pub applied: i64,
    /// How many events the live generation has applied.
    pub live: i64,
}

impl Progress {
    /// How many events are left to apply.
    pub const fn behind(self) -> i64 {
        self.live - self.applied
    }
}

/// The position of every generation in this database in every partition.
pub async fn offsets(connection: &mut PgConnection) -> Result<Vec<PartitionProgress>, GenerationError> {
    let offsets = sqlx::query_as(
        "SELECT projection, generation, topic, partition, next_offset, sequence
           FROM public.checkpoint JOIN public.projection_generation USING (projection, generation)
          ORDER BY projection, generation, topic, partition",
    );
    Ok(offsets.fetch_all(connection).await?)
}

/// How many events a generation and the live one have applied, according to the sequence numbers of their partitions.
pub async fn progress(
    connection: &mut PgConnection,
    projection: &str,
    generation: i32,
) -> Result<Progress, GenerationError> {
    let progress = sqlx::query_as(
        "SELECT coalesce(sum(sequence) FILTER (WHERE generation = $2), 0)::bigint AS applied,
                coalesce(sum(sequence) FILTER (WHERE state = 'live'), 0)::bigint AS live
           FROM public.checkpoint JOIN public.projection_generation USING (projection, generation)
          WHERE projection = $1",
    );
    Ok(progress.bind(projection).bind(generation).fetch_one(connection).await?)
}
