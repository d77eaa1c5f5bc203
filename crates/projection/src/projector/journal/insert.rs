use sqlx::PgConnection;

use super::JsonEvent;
use crate::{History, ProjectionError, RecordedEvent, column};

/// An event and its history.
struct Entry<'b> {
    history: &'b History<JsonEvent>,
    recorded: &'b RecordedEvent<JsonEvent>,
}

/// Adds events to the journal. Fails if a history does not continue the events that the journal has of its aggregate:
/// if one of its events is already there, or the event before it is missing.
pub(super) async fn insert(
    transaction: &mut PgConnection,
    batch: &[&History<JsonEvent>],
) -> Result<(), ProjectionError> {
    let entries: Vec<_> = batch.iter().flat_map(|history| entries(history)).collect();
    let written = sqlx::query(
        "INSERT INTO journal
                (partition, log_offset, aggregate_id, version, event_id, event_type, event,
                 occurred_at, actor, command_id, correlation_id, causation_id, aggregate_kind)
         SELECT partition, log_offset, aggregate_id, version, event_id, event_type, event::jsonb,
                occurred_at, actor, command_id, correlation_id, causation_id, aggregate_kind
           FROM UNNEST($1::integer[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::uuid[],
                       $7::text[], $8::text[], $9::timestamptz[], $10::text[], $11::uuid[],
                       $12::text[], $13::text[], $14::text[])
             AS new (partition, log_offset, aggregate_id, before, version, event_id,
                     event_type, event, occurred_at, actor, command_id, correlation_id, causation_id,
                     aggregate_kind)
          WHERE before = 0
             OR EXISTS (SELECT
                          FROM journal AS known
                         WHERE known.aggregate_id = new.aggregate_id AND known.version = new.before)
             ON CONFLICT (aggregate_id, version) DO NOTHING",
    )
    .bind(column(&entries, |entry| entry.recorded.position.partition))
    .bind(column(&entries, |entry| entry.recorded.position.offset))
    .bind(column(&entries, |entry| entry.recorded.envelope.aggregate_id.as_str()))
    .bind(column(&entries, |entry| entry.history.before().0.cast_signed()))
    .bind(column(&entries, |entry| entry.recorded.envelope.version.0.cast_signed()))
    .bind(column(&entries, |entry| entry.recorded.envelope.event_id))
    .bind(column(&entries, |entry| entry.recorded.envelope.short_type()))
    .bind(column(&entries, |entry| entry.recorded.event.as_str()))
    .bind(column(&entries, |entry| entry.recorded.envelope.time))
    .bind(column(&entries, |entry| &*entry.recorded.envelope.metadata.actor))
    .bind(column(&entries, |entry| entry.recorded.envelope.metadata.command_id))
    .bind(column(&entries, |entry| &*entry.recorded.envelope.metadata.correlation_id))
    .bind(column(&entries, |entry| &*entry.recorded.envelope.metadata.causation_id))
    .bind(column(&entries, |entry| entry.recorded.envelope.aggregate_kind()))
    .execute(&mut *transaction)
    .await?;
    match batch {
        [history, ..] if written.rows_affected() < entries.len() as u64 => {
            // The caller then applies each history separately to find the invalid one, so here any of them will do.
            Err(history.does_not_follow(last_version(transaction, history).await?).into())
        }
        _ => Ok(()),
    }
}

fn entries(history: &History<JsonEvent>) -> impl Iterator<Item = Entry<'_>> {
    history.events().map(move |recorded| Entry { history, recorded })
}

/// The last version of an aggregate in the journal.
async fn last_version(
    transaction: &mut PgConnection,
    history: &History<JsonEvent>,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar("SELECT max(version) FROM journal WHERE aggregate_id = $1")
        .bind(history.aggregate_id().as_str())
        .fetch_one(transaction)
        .await
}
