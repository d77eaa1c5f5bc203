use sqlx::PgConnection;

use super::GenerationError;
use crate::projector::generation;
use crate::{Generation, GenerationState};

/// Every generation of every projection in this database, from the oldest to the newest.
pub async fn all_generations(connection: &mut PgConnection) -> Result<Vec<Generation>, GenerationError> {
    let all = sqlx::query_as(
        "SELECT projection, generation, version, state, paused, rate_limit, trouble
           FROM public.projection_generation
          ORDER BY projection, generation",
    );
    Ok(all.fetch_all(connection).await?)
}

/// Every generation of a projection, from the oldest to the newest.
pub async fn generations_of(
    connection: &mut PgConnection,
    projection: &str,
) -> Result<Vec<Generation>, GenerationError> {
    Ok(generation::all(connection, projection).await?)
}

/// The generation of a projection in this state.
pub async fn in_state(
    connection: &mut PgConnection,
    projection: &str,
    state: GenerationState,
) -> Result<Generation, GenerationError> {
    let all = generation::all(connection, projection).await?;
    let missing = || GenerationError::Missing { projection: projection.to_owned(), state };
    all.into_iter().find(|generation| generation.state == state).ok_or_else(missing)
}
