use sqlx::{Connection, PgConnection};

use super::{GenerationError, copy, list::in_state, tables};
use crate::projector::generation;
use crate::{Generation, GenerationState};

/// Begins a generation that is filled from the first event: empty tables like the live ones, in a separate schema.
/// Projectors of `version` fill it; the default is the highest version that has ever run on this database.
pub async fn begin(
    connection: &mut PgConnection,
    projection: &str,
    version: Option<i32>,
    rate_limit: Option<i32>,
) -> Result<Generation, GenerationError> {
    let mut transaction = connection.begin().await?;
    let (version, tables) = tables::of_version(&mut transaction, projection, version).await?;
    tables::refuse_attachments(&mut transaction, &tables).await?;
    let Some(generation) = insert(&mut transaction, projection, version, rate_limit).await? else {
        return Err(already_building(&mut transaction, projection).await?);
    };
    copy::create_schema(&mut transaction, &generation.schema(), &tables).await?;
    for table in &tables {
        copy::create_table(&mut transaction, table, &generation.schema()).await?;
    }
    generation::notify(&mut transaction, projection).await?;
    transaction.commit().await?;
    Ok(generation)
}

/// Inserts the row of the new generation; returns `None` if another one is already building. The checkpoints of dropped
/// generations are kept, so that their numbers are not used again.
async fn insert(
    connection: &mut PgConnection,
    projection: &str,
    version: i32,
    rate_limit: Option<i32>,
) -> Result<Option<Generation>, sqlx::Error> {
    sqlx::query_as(
        "INSERT INTO public.projection_generation (projection, generation, version, state, rate_limit)
         SELECT $1, max(generation) + 1, $2, 'building', $3
           FROM (SELECT generation FROM public.projection_generation WHERE projection = $1
                 UNION ALL
                 SELECT generation FROM public.checkpoint WHERE projection = $1) AS given
             ON CONFLICT DO NOTHING
         RETURNING projection, generation, version, state, paused, rate_limit, trouble",
    )
    .bind(projection)
    .bind(version)
    .bind(rate_limit)
    .fetch_optional(connection)
    .await
}

async fn already_building(
    connection: &mut PgConnection,
    projection: &str,
) -> Result<GenerationError, GenerationError> {
    let building = in_state(connection, projection, GenerationState::Building).await?;
    Ok(GenerationError::Exists {
        projection: building.projection,
        generation: building.number,
        state: building.state,
    })
}
