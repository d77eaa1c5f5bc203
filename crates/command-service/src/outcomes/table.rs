use std::time::Duration;

use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::timeout;
use uuid::Uuid;

/// How long a query waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the answer to a command that is already in Kafka waits for the row that says it is pending.
const EXPECT_TIMEOUT: Duration = Duration::from_millis(500);
/// Two to follow the topic and delete old rows, the others for queries.
const CONNECTIONS: u32 = 6;

/// The table of outcomes, a view of the outcomes topic. Cloning is cheap.
#[derive(Debug, Clone)]
pub(crate) struct Outcomes {
    pool: PgPool,
}

impl Outcomes {
    /// Connects when it is first used.
    pub(crate) fn new(connect: &PgConnectOptions, context: &str) -> Self {
        let application = format!("{context}-command-api outcomes");
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_lazy_with(connect.clone().application_name(&application));
        Self { pool }
    }

    /// Records that a command is pending. The outcome does not depend on this row, so a failure is only logged.
    pub(crate) async fn expect(&self, command_id: Uuid) {
        let insert =
            sqlx::query("INSERT INTO command_outcome (command_id) VALUES ($1) ON CONFLICT DO NOTHING")
                .bind(command_id.to_string())
                .execute(&self.pool);
        match timeout(EXPECT_TIMEOUT, insert).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, %command_id, "a command could not be recorded as pending");
            }
            Err(_) => {
                tracing::warn!(%command_id, "a command could not be recorded as pending within {EXPECT_TIMEOUT:?}");
            }
        }
    }

    /// The row of a command: none if it is unknown, no document while it is pending.
    pub(crate) async fn of(&self, command_id: Uuid) -> sqlx::Result<Option<Option<String>>> {
        sqlx::query_scalar("SELECT document::text FROM command_outcome WHERE command_id = $1")
            .bind(command_id.to_string())
            .fetch_optional(&self.pool)
            .await
    }

    /// Writes outcomes: keys, documents and offsets, side by side, each key once. A repeated or older outcome of a
    /// command changes nothing. (All outcomes of a command are in one partition of the topic.)
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

    /// Deletes outcomes that are older than the retention of the topic.
    pub(crate) async fn delete_old(&self) -> sqlx::Result<u64> {
        sqlx::query("DELETE FROM command_outcome WHERE recorded_at < now() - interval '7 days'")
            .execute(&self.pool)
            .await
            .map(|deleted| deleted.rows_affected())
    }
}
