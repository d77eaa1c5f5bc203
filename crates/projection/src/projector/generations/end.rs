use std::time::{Duration, Instant};

use sqlx::{Connection, Executor, PgConnection};

use super::{GenerationError, list::in_state, tables::quoted};
use crate::projector::generation;
use crate::{Generation, GenerationState};

/// How long to wait for projectors to finish what they are writing: a large batch with refused events is written in
/// many steps.
const LOCK_TIMEOUT: Duration = Duration::from_mins(1);

/// Ends a generation that is not live: drops its tables and supersedes the projectors that fill it. Its checkpoints are
/// kept, so that its number is never used again.
pub async fn end(
    connection: &mut PgConnection,
    projection: &str,
    state: GenerationState,
) -> Result<Generation, GenerationError> {
    debug_assert_ne!(state, GenerationState::Live, "queries read the live generation");
    let began = Instant::now();
    match try_to_end(connection, projection, state).await {
        Err(error) if error.is_lock_conflict() => {
            Err(GenerationError::Busy { projection: projection.to_owned(), waited: began.elapsed() })
        }
        ended => ended,
    }
}

async fn try_to_end(
    connection: &mut PgConnection,
    projection: &str,
    state: GenerationState,
) -> Result<Generation, GenerationError> {
    let mut transaction = connection.begin().await?;
    let set_timeout = format!("SET LOCAL lock_timeout = '{}ms'", LOCK_TIMEOUT.as_millis());
    transaction.execute(set_timeout.as_str()).await?;
    let generation = in_state(&mut transaction, projection, state).await?;
    // The fence, then the generation, then the tables: projectors lock them in this order. Parked events reference the
    // generation.
    supersede(&mut transaction, projection, &[generation.number]).await?;
    if !delete(&mut transaction, &generation).await? {
        return Err(GenerationError::Changed(projection.to_owned()));
    }
    let drop = format!("DROP SCHEMA IF EXISTS {} CASCADE", quoted(&generation.own_schema()));
    transaction.execute(drop.as_str()).await?;
    generation::notify(&mut transaction, projection).await?;
    transaction.commit().await?;
    Ok(generation)
}

async fn delete(connection: &mut PgConnection, generation: &Generation) -> Result<bool, sqlx::Error> {
    let deleted = sqlx::query(
        "DELETE FROM public.projection_generation WHERE projection = $1 AND generation = $2 AND state = $3",
    )
    .bind(&generation.projection)
    .bind(generation.number)
    .bind(generation.state)
    .execute(connection)
    .await?;
    Ok(deleted.rows_affected() == 1)
}

/// Fences off the projectors that fill these generations, in all of their partitions.
pub(super) async fn supersede(
    connection: &mut PgConnection,
    projection: &str,
    generations: &[i32],
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE public.checkpoint SET epoch = epoch + 1, updated_at = now()
          WHERE projection = $1 AND generation = ANY ($2)",
    )
    .bind(projection)
    .bind(generations)
    .execute(connection)
    .await?;
    Ok(())
}
