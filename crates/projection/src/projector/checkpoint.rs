//! The row of each partition in the table `checkpoint`: how far a projection has read the partition, and which
//! projector may move the checkpoint.
//!
//! The statements are not checked at compile time, because this crate is not tied to one database; its tests run them.

use std::collections::BTreeMap;

use event_log::Continuity;
use sqlx::{FromRow, PgConnection};

use crate::listener::CHECKPOINT;
use crate::projector::target::Target;

/// The maximum number of positions in one notification, which has room for 8,000 bytes. The name of a topic has 249 bytes
/// at most.
const MAX_NOTIFIED: i32 = 20;

/// A projection's checkpoint in one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// The first offset that is not applied.
    pub next_offset: i64,
    /// The epoch of the claim.
    pub epoch: i64,
    /// The sequence number and epoch that the next event has to follow.
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

/// Claims partitions. A projector that claimed them earlier can no longer move their checkpoints.
pub(crate) async fn claim(
    connection: &mut PgConnection,
    target: &Target,
    partitions: &[i32],
) -> Result<Checkpoints, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "INSERT INTO public.checkpoint AS checkpoint
             (projection, generation, topic, partition, next_offset, epoch, sequence, owner_epoch)
         SELECT $1, $2, $3, claimed.partition, 0, 1, 0, 0
           FROM unnest($4::integer[]) AS claimed (partition)
          ORDER BY claimed.partition
             ON CONFLICT (projection, generation, topic, partition)
             DO UPDATE SET epoch = checkpoint.epoch + 1, updated_at = now()
         RETURNING partition, next_offset, epoch, sequence, owner_epoch",
    )
    .bind(target.projection)
    .bind(target.generation)
    .bind(&target.topic)
    .bind(partitions)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Row::into_checkpoint).collect())
}

/// The highest offset that any live generation has reached in each of these partitions.
pub(crate) async fn furthest(
    connection: &mut PgConnection,
    topic: &str,
    partitions: &[i32],
) -> Result<Vec<(i32, i64)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT partition, max(next_offset)
           FROM public.checkpoint JOIN public.projection_generation USING (projection, generation)
          WHERE state = 'live' AND topic = $1 AND partition = ANY ($2)
          GROUP BY partition",
    )
    .bind(topic)
    .bind(partitions)
    .fetch_all(connection)
    .await
}

impl Row {
    fn into_checkpoint(self) -> (i32, Checkpoint) {
        let continuity =
            Continuity { sequence: self.sequence.cast_unsigned(), epoch: self.owner_epoch.cast_unsigned() };
        let checkpoint = Checkpoint { next_offset: self.next_offset, epoch: self.epoch, continuity };
        (self.partition, checkpoint)
    }
}

/// How far a transaction moves the checkpoints of one generation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Advance<'a> {
    pub(crate) target: &'a Target,
    pub(crate) from: &'a Checkpoints,
    pub(crate) to: &'a Checkpoints,
}

/// Moves checkpoints, each only if it is still where `from` says and has not been claimed since. Listeners are notified
/// when the transaction commits. Returns whether all checkpoints were moved.
pub(crate) async fn advance(
    connection: &mut PgConnection,
    advances: &[Advance<'_>],
) -> Result<bool, sqlx::Error> {
    let steps: Vec<_> = advances.iter().flat_map(Advance::steps).collect();
    let column = |of: fn(&Step<'_>) -> i64| steps.iter().map(of).collect::<Vec<_>>();
    let moved: Vec<(i64,)> = sqlx::query_as(
        "WITH moved AS (
             UPDATE public.checkpoint AS checkpoint
                SET next_offset = step.next_offset,
                    sequence = step.sequence,
                    owner_epoch = step.owner_epoch,
                    updated_at = now()
               FROM unnest($1::text[], $2::integer[], $3::text[], $4::integer[],
                           $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[])
                 AS step (projection, generation, topic, partition,
                          epoch, expected, next_offset, sequence, owner_epoch)
              WHERE checkpoint.projection = step.projection
                AND checkpoint.generation = step.generation
                AND checkpoint.topic = step.topic
                AND checkpoint.partition = step.partition
                AND checkpoint.epoch = step.epoch
                AND checkpoint.next_offset = step.expected
             RETURNING step.projection, step.generation, step.topic, step.partition, step.next_offset)
         SELECT moved
           FROM (SELECT projection, generation, count(*) AS moved,
                        string_agg(format('%s/%s@%s', topic, partition, next_offset - 1), ' ') AS positions
                   FROM moved
                  GROUP BY projection, generation, partition / $11) AS parts,
                pg_notify($10, format('%s %s %s', projection, generation, positions))",
    )
    .bind(steps.iter().map(|step| step.target.projection).collect::<Vec<_>>())
    .bind(steps.iter().map(|step| step.target.generation).collect::<Vec<_>>())
    .bind(steps.iter().map(|step| step.target.topic.as_str()).collect::<Vec<_>>())
    .bind(steps.iter().map(|step| step.partition).collect::<Vec<_>>())
    .bind(column(|step| step.to.epoch))
    .bind(column(|step| step.expected))
    .bind(column(|step| step.to.next_offset))
    .bind(column(|step| step.to.continuity.sequence.cast_signed()))
    .bind(column(|step| step.to.continuity.epoch.cast_signed()))
    .bind(CHECKPOINT)
    .bind(MAX_NOTIFIED)
    .fetch_all(connection)
    .await?;
    let moved: i64 = moved.into_iter().map(|(count,)| count).sum();
    Ok(usize::try_from(moved) == Ok(steps.len()))
}

/// How far a transaction moves the checkpoint of one partition.
struct Step<'a> {
    target: &'a Target,
    partition: i32,
    expected: i64,
    to: &'a Checkpoint,
}

impl<'a> Advance<'a> {
    /// The number of offsets by which checkpoints are moved.
    pub(crate) fn distance(&self) -> i64 {
        self.steps().map(|step| step.to.next_offset - step.expected.max(0)).sum()
    }

    fn steps(&self) -> impl Iterator<Item = Step<'a>> {
        let Self { target, from, to } = *self;
        to.iter().map(move |(&partition, to)| {
            let expected = from.get(&partition).map_or(-1, |from| from.next_offset);
            Step { target, partition, expected, to }
        })
    }
}
