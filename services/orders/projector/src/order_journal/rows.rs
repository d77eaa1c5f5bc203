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
    let written = sqlx::query!(
        r#"INSERT INTO order_journal
                  (partition, log_offset, order_id, version, event_id, event_type, event,
                   occurred_at, actor, command_id, correlation_id, causation_id)
           SELECT partition, log_offset, order_id, version, event_id, event_type, event,
                  occurred_at, actor, command_id, correlation_id, causation_id
             FROM UNNEST($1::integer[], $2::bigint[], $3::uuid[], $4::bigint[], $5::bigint[], $6::uuid[],
                         $7::text[], $8::jsonb[], $9::timestamptz[], $10::text[], $11::uuid[],
                         $12::text[], $13::text[])
               AS new (partition, log_offset, order_id, before, version, event_id,
                       event_type, event, occurred_at, actor, command_id, correlation_id, causation_id)
            WHERE before = 0
               OR EXISTS (SELECT
                            FROM order_journal AS known
                           WHERE known.order_id = new.order_id AND known.version = new.before)
               ON CONFLICT (order_id, version) DO NOTHING"#,
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
    .execute(&mut *transaction)
    .await?;
    match entries {
        [entry, ..] if written.rows_affected() < entries.len() as u64 => {
            // Which event it is shows when each is written alone; until then the first stands for all.
            let shown = shown(transaction, entry).await?;
            Err(entry.history.does_not_follow(shown).into())
        }
        _ => Ok(()),
    }
}

/// The last version of an order that the journal has.
async fn shown(transaction: &mut PgConnection, entry: &Entry<'_>) -> Result<Version, ProjectionError> {
    let shown =
        sqlx::query_scalar!("SELECT max(version) FROM order_journal WHERE order_id = $1", entry.order_id)
            .fetch_one(transaction)
            .await?;
    Ok(Version(shown.unwrap_or_default().cast_unsigned()))
}
