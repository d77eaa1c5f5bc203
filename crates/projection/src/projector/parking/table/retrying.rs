use event_log::{Position, RawRecord};
use sqlx::{FromRow, PgConnection};

use super::{Headers, number};
use crate::projector::{parking::ParkReason, target::Target};

/// The maximum number of parked events that are applied in one transaction.
const MAX_EVENTS: i64 = 500;

/// A parked event that is to be retried.
#[derive(Debug, FromRow)]
pub(crate) struct Row {
    pub(crate) partition: i32,
    log_offset: i64,
    pub(crate) aggregate: String,
    key: Option<Vec<u8>>,
    headers: Headers,
    payload: Option<Vec<u8>>,
}

impl Row {
    pub(crate) fn into_record(self, topic: &str) -> RawRecord {
        RawRecord {
            position: Position {
                topic: topic.to_owned(),
                partition: self.partition,
                offset: self.log_offset,
            },
            key: self.key,
            headers: self.headers.0.into_iter().map(|(name, value)| (name, value.into_bytes())).collect(),
            payload: self.payload,
        }
    }
}

/// The first parked events of an aggregate that an operator has asked to retry.
pub(crate) async fn to_retry(
    connection: &mut PgConnection,
    target: &Target,
    partitions: &[i32],
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as(
        "WITH marked AS (
             SELECT partition, aggregate
               FROM public.parked_event
              WHERE projection = $1 AND generation = $2 AND topic = $3 AND partition = ANY($4)
                AND retry AND aggregate <> ''
              LIMIT 1)
         SELECT partition, log_offset, aggregate, key, headers, payload
           FROM public.parked_event JOIN marked USING (partition, aggregate)
          WHERE projection = $1 AND generation = $2 AND topic = $3
          ORDER BY log_offset
          LIMIT $5",
    )
    .bind(target.projection)
    .bind(target.generation)
    .bind(&target.topic)
    .bind(partitions)
    .bind(MAX_EVENTS)
    .fetch_all(connection)
    .await
}

/// Deletes parked events that were applied. Returns false if one of them was dropped in the meantime.
pub(crate) async fn unpark(
    transaction: &mut PgConnection,
    target: &Target,
    partition: i32,
    offsets: &[i64],
) -> Result<bool, sqlx::Error> {
    // Dropping an event locks its row first, so whichever comes second sees what the other did.
    sqlx::query(
        "DELETE FROM public.parked_event
          WHERE projection = $1 AND generation = $2 AND topic = $3 AND partition = $4 AND log_offset = ANY($5)",
    )
    .bind(target.projection)
    .bind(target.generation)
    .bind(&target.topic)
    .bind(partition)
    .bind(offsets)
    .execute(&mut *transaction)
    .await?;
    let dropped: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM public.dropped_event
                         WHERE projection = $1 AND topic = $2 AND partition = $3 AND log_offset = ANY($4))",
    )
    .bind(target.projection)
    .bind(&target.topic)
    .bind(partition)
    .bind(offsets)
    .fetch_one(transaction)
    .await?;
    Ok(!dropped)
}

/// Leaves an aggregate parked, with the current reason of its first event.
pub(crate) async fn keep_parked(
    transaction: &mut PgConnection,
    target: &Target,
    (aggregate, partition, offset): (&str, i32, i64),
    park_reason: &ParkReason,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE public.parked_event
            SET retry = false,
                cause = CASE WHEN log_offset = $6 THEN $7 ELSE cause END,
                reason = CASE WHEN log_offset = $6 THEN $8 ELSE reason END,
                stands_at = CASE WHEN log_offset = $6 THEN $9 ELSE stands_at END
          WHERE projection = $1 AND generation = $2 AND topic = $3 AND partition = $4 AND aggregate = $5
            AND (retry OR log_offset = $6)",
    )
    .bind(target.projection)
    .bind(target.generation)
    .bind(&target.topic)
    .bind(partition)
    .bind(aggregate)
    .bind(offset)
    .bind(park_reason.cause.as_str())
    .bind(&park_reason.reason)
    .bind(number(park_reason.stands_at))
    .execute(transaction)
    .await?;
    Ok(())
}
