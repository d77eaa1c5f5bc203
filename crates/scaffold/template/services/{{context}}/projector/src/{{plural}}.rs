//! The current state of each {{words}}: the table `{{plural}}`.

use projection::{History, Projection, ProjectionError, column};
use sqlx::PgConnection;
use uuid::Uuid;
use {{context}}_domain::Event;

/// Keeps a row for each {{words}}.
pub(crate) struct {{Plural}};

impl Projection for {{Plural}} {
    const NAME: &str = "{{plural}}";
    const VERSION: i32 = 1;
    const TABLES: &[&str] = &["{{plural}}"];
    type Event = Event;

    /// Uses one statement for the whole batch. It writes a row only if the row is at the version before the batch.
    async fn apply(
        &self,
        transaction: &mut PgConnection,
        batch: &[&History<Event>],
    ) -> Result<(), ProjectionError> {
        let ids = batch.iter().map(|history| history.aggregate_id_as()).collect::<Result<Vec<Uuid>, _>>()?;
        let written = sqlx::query!(
            "MERGE INTO {{plural}} AS present
             USING UNNEST($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::timestamptz[], $6::timestamptz[])
                AS change ({{aggregate}}_id, before, version, name, first_at, last_at)
                ON present.{{aggregate}}_id = change.{{aggregate}}_id
              WHEN MATCHED AND present.version = before
              THEN UPDATE SET version = change.version, name = change.name, updated_at = last_at
              WHEN NOT MATCHED AND before = 0
              THEN INSERT ({{aggregate}}_id, version, name, created_at, updated_at)
                   VALUES (change.{{aggregate}}_id, change.version, change.name, first_at, last_at)",
            &ids,
            &column(batch, |history| history.before().0.cast_signed()),
            &column(batch, |history| history.last().envelope.version.0.cast_signed()),
            column(batch, |history| name(&history.last().event)) as _,
            &column(batch, |history| history.first().envelope.time),
            &column(batch, |history| history.last().envelope.time),
        )
        .execute(&mut *transaction)
        .await?;
        if written.rows_affected() == batch.len() as u64 {
            return Ok(());
        }
        // At least one row has a different version. The error names the first history; the projector then applies each
        // history separately to find the right one.
        let version = sqlx::query_scalar!("SELECT version FROM {{plural}} WHERE {{aggregate}}_id = $1", ids[0])
            .fetch_optional(transaction)
            .await?;
        Err(batch[0].does_not_follow(version).into())
    }
}

/// The name of the {{words}} after an event.
fn name(event: &Event) -> &str {
    match event {
        Event::{{Aggregate}}Created(created) => &created.name,
        Event::{{Aggregate}}Renamed(renamed) => &renamed.name,
    }
}
