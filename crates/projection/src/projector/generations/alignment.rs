//! Two generations at the same position: only then can they be compared and swapped.

use std::time::Duration;

use sqlx::{Connection, Executor, PgConnection, postgres::PgConnectOptions};
use tokio::time::timeout;

use super::{GenerationError, Moves, list::in_state, tables};
use crate::{Generation, GenerationState};

/// How long the live generation is held for another one to catch up.
const HELD: Duration = Duration::from_secs(2);

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

/// Holds the live generation until the transaction ends, and waits until the other one, which never overtakes it, is
/// at the same position.
pub(super) async fn meet(
    transaction: &mut PgConnection,
    moves: &mut Moves,
    pair: &Pair,
) -> Result<(), GenerationError> {
    hold(transaction, &pair.live).await?;
    let together = async {
        while !stand_alike(transaction, pair).await? {
            moves.next().await?;
        }
        Ok(())
    };
    timeout(HELD, together).await.unwrap_or_else(|_| {
        let Generation { number, version, .. } = pair.other;
        Err(GenerationError::Apart { generation: number, version, buffer: HELD })
    })
}

/// A connection whose transaction sees both generations at the same position, whatever they do meanwhile.
pub(super) async fn seen_together(
    database: &PgConnectOptions,
    connection: &mut PgConnection,
    moves: &mut Moves,
    pair: &Pair,
) -> Result<PgConnection, GenerationError> {
    let mut result = PgConnection::connect_with(database).await?;
    let mut transaction = connection.begin().await?;
    be_brief(&mut transaction).await?;
    meet(&mut transaction, moves, pair).await?;
    result.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    // The first statement takes the snapshot.
    result.execute("SELECT FROM public.checkpoint").await?;
    transaction.rollback().await?;
    Ok(result)
}

/// Has Postgres end the transaction that holds the live generation, if its client stops in the middle.
pub(super) async fn be_brief(transaction: &mut PgConnection) -> Result<(), sqlx::Error> {
    let buffer = HELD.as_millis();
    let brief = format!(
        "SET LOCAL lock_timeout = {buffer}; SET LOCAL idle_in_transaction_session_timeout = {}",
        2 * buffer
    );
    transaction.execute(brief.as_str()).await?;
    Ok(())
}

async fn hold(transaction: &mut PgConnection, live: &Generation) -> Result<(), sqlx::Error> {
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

async fn stand_alike(connection: &mut PgConnection, pair: &Pair) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "WITH stand AS (
             SELECT generation, topic, partition, next_offset
               FROM public.checkpoint
              WHERE projection = $1 AND next_offset > 0),
              live AS (SELECT topic, partition, next_offset FROM stand WHERE generation = $2),
              other AS (SELECT topic, partition, next_offset FROM stand WHERE generation = $3)
         SELECT NOT EXISTS (TABLE live EXCEPT TABLE other)
            AND NOT EXISTS (TABLE other EXCEPT TABLE live)",
    )
    .bind(pair.projection())
    .bind(pair.live.number)
    .bind(pair.other.number)
    .fetch_one(connection)
    .await
}
