use sqlx::{Connection, PgConnection, Postgres, postgres::PgArguments, query::Query};

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
    let set = sqlx::query(
        "UPDATE public.projection_generation SET paused = $3 WHERE projection = $1 AND generation = $2",
    );
    let set = set.bind(projection).bind(generation).bind(paused);
    update(connection, projection, generation, set).await
}

/// Limits the events per second that each projector applies to a generation, or removes the limit.
pub async fn limit(
    connection: &mut PgConnection,
    projection: &str,
    generation: i32,
    rate: Option<i32>,
) -> Result<(), GenerationError> {
    let set = sqlx::query(
        "UPDATE public.projection_generation SET rate_limit = $3 WHERE projection = $1 AND generation = $2",
    );
    let set = set.bind(projection).bind(generation).bind(rate);
    update(connection, projection, generation, set).await
}

/// Updates a generation, and notifies its projectors.
async fn update(
    connection: &mut PgConnection,
    projection: &str,
    generation: i32,
    set: Query<'_, Postgres, PgArguments>,
) -> Result<(), GenerationError> {
    let mut transaction = connection.begin().await?;
    let updated = set.execute(&mut *transaction).await?;
    if updated.rows_affected() == 0 {
        return Err(GenerationError::Unknown { projection: projection.to_owned(), generation });
    }
    generation::notify(&mut transaction, projection).await?;
    Ok(transaction.commit().await?)
}
