//! The statements of a projector on the tables of parked and dropped events.

mod dropping;
mod headers;
mod retrying;

use aggregate::Version;
use event_log::RawRecord;
use sqlx::PgConnection;

use super::{ParkedEvent, parked_index::ParkedIndex};
use crate::ProjectionError;
use crate::projector::target::Target;
pub(super) use dropping::{dropped, has_dropped, remove_dropped};
pub(super) use headers::Headers;
use headers::headers;
pub(super) use retrying::{Row, keep_parked, to_retry, unpark};

/// Inserts parked events with one statement.
pub(crate) async fn insert(
    transaction: &mut PgConnection,
    target: &Target,
    parked: impl Iterator<Item = &ParkedEvent>,
) -> Result<(), ProjectionError> {
    let events: Vec<_> = parked.collect();
    if events.is_empty() {
        return Ok(());
    }
    let positions = || events.iter().map(|event| &event.record.position);
    let reasons = || events.iter().map(|event| event.park_reason.as_ref());
    sqlx::query(
        "INSERT INTO public.parked_event
            (projection, generation, topic, partition, log_offset, aggregate, key, event_type, version,
             headers, payload, cause, reason, stands_at)
         SELECT $1, $2, $3, *
           FROM unnest($4::integer[], $5::bigint[], $6::text[], $7::bytea[], $8::text[], $9::bigint[],
                       $10::jsonb[], $11::bytea[], $12::text[], $13::text[], $14::bigint[])",
    )
    .bind(target.projection)
    .bind(target.generation)
    .bind(&target.topic)
    .bind(positions().map(|position| position.partition).collect::<Vec<_>>())
    .bind(positions().map(|position| position.offset).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.aggregate.as_str()).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.record.key.as_deref()).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event_type(&event.record)).collect::<Vec<_>>())
    .bind(events.iter().map(|event| version(&event.record)).collect::<Vec<_>>())
    .bind(events.iter().map(|event| headers(&event.record)).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.record.payload.as_deref()).collect::<Vec<_>>())
    .bind(reasons().map(|reason| reason.map(|reason| reason.cause.as_str())).collect::<Vec<_>>())
    .bind(reasons().map(|reason| reason.map(|reason| reason.reason.as_str())).collect::<Vec<_>>())
    .bind(reasons().map(|reason| number(reason?.stands_at)).collect::<Vec<_>>())
    .execute(transaction)
    .await?;
    Ok(())
}

fn event_type(record: &RawRecord) -> Option<&str> {
    record.text("ce_type").filter(|text| !text.contains('\0'))
}

fn version(record: &RawRecord) -> Option<i64> {
    record.text("aggregate_version")?.parse().ok()
}

fn number(version: Option<Version>) -> Option<i64> {
    version.and_then(|version| i64::try_from(version.0).ok())
}

/// The parked aggregates of some partitions, with the number of their events.
pub(super) async fn parked_index(
    connection: &mut PgConnection,
    target: &Target,
    partitions: &[i32],
) -> Result<Vec<(i32, String, i64)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT partition, aggregate, count(*)
           FROM public.parked_event
          WHERE projection = $1 AND generation = $2 AND topic = $3 AND partition = ANY($4)
          GROUP BY partition, aggregate",
    )
    .bind(target.projection)
    .bind(target.generation)
    .bind(&target.topic)
    .bind(partitions)
    .fetch_all(connection)
    .await
}

/// Replaces the index of some partitions.
pub(super) fn fill_index(parked_index: &mut ParkedIndex, partitions: &[i32], rows: Vec<(i32, String, i64)>) {
    parked_index.reset(partitions);
    for (partition, aggregate, events) in rows {
        parked_index.add(partition, &aggregate, events.unsigned_abs());
    }
}
