//! Brings two generations to the same position. Only then can they be compared or swapped.

use std::time::Duration;

use sqlx::{Connection, Executor, PgConnection, postgres::PgConnectOptions};
use tokio::time::timeout;

use super::{GenerationError, Notifications, list::in_state, tables};
use crate::{Generation, GenerationState};

/// How long the live generation is held back until the other one has caught up.
const HOLD_TIMEOUT: Duration = Duration::from_secs(2);

/// The live generation, and the one that is compared with it or takes its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) live: Generation,
    pub(super) other: Generation,
}

impl Pair {
    pub(super) async fn find(
        connection: &mut PgConnection,
        projection: &str,
        state: GenerationState,
    ) -> Result<Self, GenerationError> {
        let other = in_state(connection, projection, state).await?;
        Ok(Self { live: in_state(connection, projection, GenerationState::Live).await?, other })
    }

    pub(super) fn projection(&self) -> &str {
        &self.live.projection
    }

    /// The tables of the other generation.
    pub(super) async fn tables(&self, connection: &mut PgConnection) -> Result<Vec<String>, GenerationError> {
        Ok(tables::of_version(connection, self.projection(), Some(self.other.version)).await?.1)
    }
}

/// Holds back the live generation until the transaction ends, and waits until the other one is at the same position.
/// The other one never overtakes the live one.
pub(super) async fn align(
    transaction: &mut PgConnection,
    notifications: &mut Notifications,
    pair: &Pair,
) -> Result<(), GenerationError> {
    lock_checkpoints(transaction, &pair.live).await?;
    let aligned = async {
        while !is_aligned(transaction, pair).await? {
            notifications.next().await?;
        }
        Ok(())
    };
    timeout(HOLD_TIMEOUT, aligned).await.unwrap_or_else(|_| {
        let Generation { number, version, .. } = pair.other;
        Err(GenerationError::NotAligned { generation: number, version, held_for: HOLD_TIMEOUT })
    })
}

/// A connection with a transaction whose snapshot has both generations at the same position.
pub(super) async fn aligned_snapshot(
    database: &PgConnectOptions,
    connection: &mut PgConnection,
    notifications: &mut Notifications,
    pair: &Pair,
) -> Result<PgConnection, GenerationError> {
    let mut snapshot = PgConnection::connect_with(database).await?;
    let mut transaction = connection.begin().await?;
    set_timeouts(&mut transaction).await?;
    align(&mut transaction, notifications, pair).await?;
    snapshot.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    // The first statement takes the snapshot.
    snapshot.execute("SELECT FROM public.checkpoint").await?;
    transaction.rollback().await?;
    Ok(snapshot)
}

/// Makes Postgres end the transaction that holds back the live generation if its client stops in the middle.
pub(super) async fn set_timeouts(transaction: &mut PgConnection) -> Result<(), sqlx::Error> {
    let timeout = HOLD_TIMEOUT.as_millis();
    let statements = format!(
        "SET LOCAL lock_timeout = {timeout}; SET LOCAL idle_in_transaction_session_timeout = {}",
        2 * timeout
    );
    transaction.execute(statements.as_str()).await?;
    Ok(())
}

async fn lock_checkpoints(transaction: &mut PgConnection, live: &Generation) -> Result<(), sqlx::Error> {
    sqlx::query(
        "SELECT FROM public.checkpoint
          WHERE projection = $1 AND generation = $2
          ORDER BY topic, partition
            FOR UPDATE",
    )
    .bind(&live.projection)
    .bind(live.number)
    .execute(transaction)
    .await?;
    Ok(())
}

async fn is_aligned(connection: &mut PgConnection, pair: &Pair) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "WITH offsets AS (
             SELECT generation, topic, partition, next_offset
               FROM public.checkpoint
              WHERE projection = $1 AND next_offset > 0),
              live AS (SELECT topic, partition, next_offset FROM offsets WHERE generation = $2),
              other AS (SELECT topic, partition, next_offset FROM offsets WHERE generation = $3)
         SELECT NOT EXISTS (TABLE live EXCEPT TABLE other)
            AND NOT EXISTS (TABLE other EXCEPT TABLE live)",
    )
    .bind(pair.projection())
    .bind(pair.live.number)
    .bind(pair.other.number)
    .fetch_one(connection)
    .await
}
