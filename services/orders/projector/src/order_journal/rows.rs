use aggregate::{Message as _, Version};
use projection::ProjectionError;
use sqlx::{PgConnection, types::Json};

use super::entry::Entry;
use crate::column::column;

/// Writes events, those of an order only where its history begins after what the journal has. An event that is there
/// already, or one that is missing before them, breaks the history.
pub(super) async fn insert(
    transaction: &mut PgConnection,
    entries: &[Entry<'_>],
) -> Result<(), ProjectionError> {
    // The last part sees the journal as it was before the first part.
    let misfit = sqlx::query!(
        r#"WITH new AS (
               SELECT *
                 FROM UNNEST($1::integer[], $2::bigint[], $3::uuid[], $4::bigint[], $5::bigint[], $6::uuid[],
                             $7::text[], $8::jsonb[], $9::timestamptz[], $10::text[], $11::uuid[],
                             $12::text[], $13::text[])
                   AS new (partition, log_offset, order_id, before, version, event_id,
                           event_type, event, occurred_at, actor, command_id, correlation_id, causation_id)),
           written AS (
               INSERT INTO order_journal
                      (partition, log_offset, order_id, version, event_id, event_type, event,
                       occurred_at, actor, command_id, correlation_id, causation_id)
               SELECT partition, log_offset, order_id, version, event_id, event_type, event,
                      occurred_at, actor, command_id, correlation_id, causation_id
                 FROM new
                WHERE before = 0
                   OR EXISTS (SELECT
                                FROM order_journal AS known
                               WHERE known.order_id = new.order_id AND known.version = new.before)
                   ON CONFLICT (order_id, version) DO NOTHING
               RETURNING order_id, version)
           SELECT new.order_id AS "order_id!",
                  (SELECT max(version) FROM order_journal WHERE order_id = new.order_id) AS shown
             FROM new LEFT JOIN written USING (order_id, version)
            WHERE written.order_id IS NULL
            LIMIT 1"#,
        &column(entries, |entry| entry.happened.position.partition),
        &column(entries, |entry| entry.happened.position.offset),
        &column(entries, |entry| entry.order_id),
        &column(entries, Entry::before),
        &column(entries, Entry::version),
        &column(entries, |entry| entry.happened.envelope.event_id),
        column(entries, |entry| entry.happened.event.message_type()) as _,
        column(entries, |entry| Json(&entry.happened.event)) as _,
        &column(entries, |entry| entry.happened.envelope.time),
        column(entries, |entry| entry.happened.envelope.metadata.actor.as_str()) as _,
        &column(entries, |entry| entry.happened.envelope.metadata.command_id),
        column(entries, |entry| entry.happened.envelope.metadata.correlation_id.as_str()) as _,
        column(entries, |entry| entry.happened.envelope.metadata.causation_id.as_str()) as _,
    )
    .fetch_optional(transaction)
    .await?;
    let Some(misfit) = misfit else {
        return Ok(());
    };
    let entry = entries.iter().find(|entry| entry.order_id == misfit.order_id);
    let history = entry.expect("what was not written is one of these").history;
    Err(history.does_not_follow(Version(misfit.shown.unwrap_or_default().cast_unsigned())).into())
}
