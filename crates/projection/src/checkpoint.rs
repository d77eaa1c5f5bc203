//! The row `checkpoint` of each partition: where a projection stands, and who may move it.
//!
//! `migrations/orders_read/0001_checkpoint.sql` creates the table; every database of a read model needs it. The
//! statements are not checked by the compiler, for this crate belongs to no database; its tests run them.

use std::collections::BTreeMap;

use event_log::Continuity;
use sqlx::{FromRow, PgConnection};

use crate::{Stand, source::Source};

/// The channel on which every move is told, as `<projection> <position>`: `orders orders.events/3@1042`.
pub(crate) const CHANNEL: &str = "checkpoint";

/// Where a projection stands in one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// The first offset that is not applied.
    pub next_offset: i64,
    /// Which claim this is.
    pub epoch: i64,
    /// What the next event has to follow.
    pub continuity: Continuity,
}

/// By partition.
pub(crate) type Checkpoints = BTreeMap<i32, Checkpoint>;

#[derive(FromRow)]
struct Row {
    partition: i32,
    next_offset: i64,
    epoch: i64,
    sequence: i64,
    owner_epoch: i64,
}

/// Takes partitions over: from here on nobody who claimed them earlier can move them.
pub(crate) async fn claim(
    connection: &mut PgConnection,
    source: &Source,
    partitions: &[i32],
) -> Result<Checkpoints, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "INSERT INTO checkpoint (projection, topic, partition, next_offset, epoch, sequence, owner_epoch)
         SELECT $1, $2, claimed.partition, 0, 1, 0, 0
           FROM unnest($3::integer[]) AS claimed (partition)
          ORDER BY claimed.partition
             ON CONFLICT (projection, topic, partition)
             DO UPDATE SET epoch = checkpoint.epoch + 1, updated_at = now()
         RETURNING partition, next_offset, epoch, sequence, owner_epoch",
    )
    .bind(&source.projection)
    .bind(&source.topic)
    .bind(partitions)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Row::into_checkpoint).collect())
}

impl Row {
    fn into_checkpoint(self) -> (i32, Checkpoint) {
        let continuity =
            Continuity { sequence: self.sequence.cast_unsigned(), epoch: self.owner_epoch.cast_unsigned() };
        let checkpoint = Checkpoint { next_offset: self.next_offset, epoch: self.epoch, continuity };
        (self.partition, checkpoint)
    }
}

/// Moves checkpoints on, each only if it is where it was left and nobody has claimed it since. Tells all who listen,
/// once the transaction commits. Answers whether all were moved.
pub(crate) async fn advance(
    connection: &mut PgConnection,
    source: &Source,
    from: &Checkpoints,
    to: &Checkpoints,
) -> Result<bool, sqlx::Error> {
    let expected: Vec<_> =
        to.keys().map(|partition| from.get(partition).map_or(-1, |left| left.next_offset)).collect();
    let column = |of: fn(&Checkpoint) -> i64| to.values().map(of).collect::<Vec<_>>();
    let moved = sqlx::query(
        "WITH moved AS (
             UPDATE checkpoint
                SET next_offset = step.next_offset,
                    sequence = step.sequence,
                    owner_epoch = step.owner_epoch,
                    updated_at = now()
               FROM unnest($3::integer[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])
                 AS step (partition, epoch, expected, next_offset, sequence, owner_epoch)
              WHERE checkpoint.projection = $1
                AND checkpoint.topic = $2
                AND checkpoint.partition = step.partition
                AND checkpoint.epoch = step.epoch
                AND checkpoint.next_offset = step.expected
             RETURNING checkpoint.partition, checkpoint.next_offset)
         SELECT pg_notify($9, format('%s %s/%s@%s', $1::text, $2::text, partition, next_offset - 1)) FROM moved",
    )
    .bind(&source.projection)
    .bind(&source.topic)
    .bind(to.keys().copied().collect::<Vec<_>>())
    .bind(column(|to| to.epoch))
    .bind(expected)
    .bind(column(|to| to.next_offset))
    .bind(column(|to| to.continuity.sequence.cast_signed()))
    .bind(column(|to| to.continuity.epoch.cast_signed()))
    .bind(CHANNEL)
    .execute(connection)
    .await?;
    Ok(moved.rows_affected() == to.len() as u64)
}

/// Where the projection stands now, in all partitions that were ever claimed.
pub(crate) async fn stand(connection: &mut PgConnection, source: &Source) -> Result<Stand, sqlx::Error> {
    let rows: Vec<(i32, i64)> =
        sqlx::query_as("SELECT partition, next_offset FROM checkpoint WHERE projection = $1 AND topic = $2")
            .bind(&source.projection)
            .bind(&source.topic)
            .fetch_all(connection)
            .await?;
    Ok(rows.into_iter().collect())
}
