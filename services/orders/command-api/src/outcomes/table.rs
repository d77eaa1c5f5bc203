use std::time::Duration;

use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::timeout;
use uuid::Uuid;

/// How long a question waits for a connection.
const ACQUIRE: Duration = Duration::from_secs(2);
/// How long a command that is safe already waits to be noted as pending.
const NOTE: Duration = Duration::from_millis(500);
/// Two to follow the topic and to tidy up, the others for questions.
const CONNECTIONS: u32 = 6;

/// The table of outcomes. Cloning is cheap.
#[derive(Debug, Clone)]
pub(crate) struct Outcomes {
    pool: PgPool,
}

impl Outcomes {
    /// Connects when first asked.
    pub(crate) fn new(connect: &PgConnectOptions) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE)
            .connect_lazy_with(connect.clone().application_name("orders-command-api outcomes"));
        Self { pool }
    }

    /// Notes that there will be an outcome. It is not needed for the outcome itself, so it may fail.
    pub(crate) async fn expect(&self, command_id: Uuid) {
        let note = sqlx::query("INSERT INTO command_outcome (command_id) VALUES ($1) ON CONFLICT DO NOTHING")
            .bind(command_id.to_string())
            .execute(&self.pool);
        match timeout(NOTE, note).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(%error, %command_id, "a command could not be noted as pending"),
            Err(_) => tracing::warn!(%command_id, "a command could not be noted as pending within {NOTE:?}"),
        }
    }

    /// What is known of a command: nothing, that it waits (no document), or its outcome.
    pub(crate) async fn of(&self, command_id: Uuid) -> sqlx::Result<Option<Option<String>>> {
        sqlx::query_scalar("SELECT document::text FROM command_outcome WHERE command_id = $1")
            .bind(command_id.to_string())
            .fetch_optional(&self.pool)
            .await
    }

    /// Takes in outcomes: keys, documents and offsets, side by side, each key once. A repetition, or an older outcome of
    /// the same command, changes nothing. (All outcomes of a command are in one partition of the topic.)
    pub(crate) async fn record(
        &self,
        keys: &[String],
        documents: &[String],
        offsets: &[i64],
    ) -> sqlx::Result<()> {
        sqlx::query(
            "INSERT INTO command_outcome (command_id, document, topic_offset)
             SELECT id, document::json, topic_offset
               FROM UNNEST($1::text[], $2::text[], $3::bigint[]) AS outcome (id, document, topic_offset)
             ON CONFLICT (command_id) DO UPDATE
                SET document = excluded.document, topic_offset = excluded.topic_offset, recorded_at = now()
              WHERE command_outcome.topic_offset < excluded.topic_offset",
        )
        .bind(keys)
        .bind(documents)
        .bind(offsets)
        .execute(&self.pool)
        .await
        .map(drop)
    }

    /// Deletes what is as old as what the topic itself no longer keeps.
    pub(crate) async fn tidy(&self) -> sqlx::Result<u64> {
        sqlx::query("DELETE FROM command_outcome WHERE recorded_at < now() - interval '7 days'")
            .execute(&self.pool)
            .await
            .map(|deleted| deleted.rows_affected())
    }
}
