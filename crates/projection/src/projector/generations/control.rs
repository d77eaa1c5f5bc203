use sqlx::{Connection, PgConnection};

use super::GenerationError;
use crate::projector::generation;

/// Pauses a generation until it is resumed.
pub async fn pause(
    connection: &mut PgConnection,
    projection: &str,
    generation: i32,
) -> Result<(), GenerationError> {
    set_paused(connection, projection, generation, true).await
}

/// Resumes a generation that was paused.
pub async fn resume(
    connection: &mut PgConnection,
    projection: &str,
    generation: i32,
) -> Result<(), GenerationError> {
    set_paused(connection, projection, generation, false).await
}

async fn set_paused(
    connection: &mut PgConnection,
    projection: &str,
    generation: i32,
    paused: bool,
) -> Result<(), GenerationError> {
    let mut transaction = connection.begin().await?;
    let set = sqlx::query(
        "UPDATE public.projection_generation SET paused = $3 WHERE projection = $1 AND generation = $2",
    );
    let updated = set.bind(projection).bind(generation).bind(paused).execute(&mut *transaction).await?;
    require_updated(updated.rows_affected(), projection, generation)?;
    generation::notify(&mut transaction, projection).await?;
    Ok(transaction.commit().await?)
}

/// Limits the events per second that each projector applies to a generation, or removes the limit.
pub async fn limit(
    connection: &mut PgConnection,
    projection: &str,
    generation: i32,
    rate: Option<i32>,
) -> Result<(), GenerationError> {
    let mut transaction = connection.begin().await?;
    let set = sqlx::query(
        "UPDATE public.projection_generation SET rate_limit = $3 WHERE projection = $1 AND generation = $2",
    );
    let updated = set.bind(projection).bind(generation).bind(rate).execute(&mut *transaction).await?;
    require_updated(updated.rows_affected(), projection, generation)?;
    generation::notify(&mut transaction, projection).await?;
    Ok(transaction.commit().await?)
}

fn require_updated(rows: u64, projection: &str, generation: i32) -> Result<(), GenerationError> {
    if rows == 0 {
        return Err(GenerationError::Unknown { projection: projection.to_owned(), generation });
    }
    Ok(())
}
