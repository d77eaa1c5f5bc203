use aggregate::Version;
use sqlx::{FromRow, PgConnection};

use crate::projector::{parking::dropped::Dropped, target::Target};

#[derive(FromRow)]
struct Row {
    partition: i32,
    log_offset: i64,
    aggregate: String,
    version: Option<i64>,
    stands_at: Option<i64>,
}

/// The dropped events of some partitions.
pub(crate) async fn dropped(
    connection: &mut PgConnection,
    target: &Target,
    partitions: &[i32],
) -> Result<Dropped, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT partition, log_offset, aggregate, version, stands_at
           FROM public.dropped_event
          WHERE projection = $1 AND topic = $2 AND partition = ANY($3)
          ORDER BY partition, log_offset",
    )
    .bind(target.projection)
    .bind(&target.topic)
    .bind(partitions)
    .fetch_all(connection)
    .await?;
    let mut dropped = Dropped::default();
    for row in rows {
        let version = |number: i64| Version(number.unsigned_abs());
        let position = (row.partition, row.log_offset);
        dropped.add(position, row.aggregate, row.version.map(version), row.stands_at.map(version));
    }
    Ok(dropped)
}

/// Whether any dropped event is still parked.
pub(crate) async fn has_dropped(
    connection: &mut PgConnection,
    target: &Target,
    partitions: &[i32],
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (
             SELECT FROM public.parked_event JOIN public.dropped_event
                  USING (projection, topic, partition, log_offset)
              WHERE projection = $1 AND generation = $2 AND topic = $3 AND partition = ANY($4))",
    )
    .bind(target.projection)
    .bind(target.generation)
    .bind(&target.topic)
    .bind(partitions)
    .fetch_one(connection)
    .await
}

/// Deletes parked events that are dropped, and marks those that waited for them to be retried.
pub(crate) async fn remove_dropped(
    transaction: &mut PgConnection,
    target: &Target,
    partitions: &[i32],
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "WITH removed AS (
             DELETE FROM public.parked_event AS parked
              USING public.dropped_event AS dropped
              WHERE parked.projection = $1 AND parked.generation = $2 AND parked.topic = $3
                AND parked.partition = ANY($4)
                AND dropped.projection = $1 AND dropped.topic = $3
                AND dropped.partition = parked.partition AND dropped.log_offset = parked.log_offset
             RETURNING parked.partition, parked.aggregate, parked.log_offset)
         UPDATE public.parked_event AS waiting
            SET retry = true
           FROM (SELECT DISTINCT partition, aggregate FROM removed WHERE aggregate <> '') AS due
          WHERE waiting.projection = $1 AND waiting.generation = $2 AND waiting.topic = $3
            AND waiting.partition = due.partition AND waiting.aggregate = due.aggregate
            AND (waiting.partition, waiting.log_offset) NOT IN (SELECT partition, log_offset FROM removed)",
    )
    .bind(target.projection)
    .bind(target.generation)
    .bind(&target.topic)
    .bind(partitions)
    .execute(transaction)
    .await?;
    Ok(())
}
