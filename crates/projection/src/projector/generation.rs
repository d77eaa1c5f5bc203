//! The generations of a projection's tables, as the tables `projection_version` and `projection_generation` list them.

use std::fmt::{self, Display, Formatter};

use sqlx::{FromRow, PgConnection, Type};

use crate::{Projection, ProjectionError, listener::CONTROL};

/// What a generation is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum GenerationState {
    /// Queries see it.
    Live,
    /// It is filled from the first event, to become live.
    Building,
    /// It was live before, and can be again.
    Standby,
}

impl Display for GenerationState {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Live => "live",
            Self::Building => "building",
            Self::Standby => "standby",
        })
    }
}

/// One set of a projection's tables.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Generation {
    /// The projection's name.
    pub projection: String,
    /// 1, 2, 3 in the order in which they were begun.
    #[sqlx(rename = "generation")]
    pub number: i32,
    /// The projection's version that fills it.
    pub version: i32,
    /// What it is there for.
    pub state: GenerationState,
    /// Whether it is left where it is for now.
    pub paused: bool,
    /// The most events a second that each projector applies to it.
    pub rate_limit: Option<i32>,
}

impl Generation {
    /// The schema that its tables are in.
    pub fn schema(&self) -> String {
        match self.state {
            GenerationState::Live => "public".to_owned(),
            GenerationState::Building | GenerationState::Standby => self.own_schema(),
        }
    }

    /// The schema that is its own: there its tables are whenever it is not live.
    pub(crate) fn own_schema(&self) -> String {
        format!("{}_g{}", self.projection, self.number)
    }
}

/// Tells all who listen that a generation of this projection came, went, or is to be treated otherwise, once the
/// transaction commits.
pub(crate) async fn tell(connection: &mut PgConnection, projection: &str) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT pg_notify($1, $2)").bind(CONTROL).bind(projection).execute(connection).await?;
    Ok(())
}

/// All generations of a projection, from the oldest to the newest.
pub(crate) async fn all(
    connection: &mut PgConnection,
    projection: &str,
) -> Result<Vec<Generation>, sqlx::Error> {
    sqlx::query_as(
        "SELECT projection, generation, version, state, paused, rate_limit
           FROM public.projection_generation
          WHERE projection = $1
          ORDER BY generation",
    )
    .bind(projection)
    .fetch_all(connection)
    .await
}

/// One generation as it is now, if it is there.
pub(crate) async fn one(
    connection: &mut PgConnection,
    projection: &str,
    number: i32,
) -> Result<Option<Generation>, sqlx::Error> {
    let generations = all(connection, projection).await?;
    Ok(generations.into_iter().find(|generation| generation.number == number))
}

/// Says that this version of a projection runs here. Where there is no generation yet, the tables that the migrations
/// have left empty become its first one.
pub(crate) async fn register<P: Projection>(
    connection: &mut PgConnection,
    topic: &str,
) -> Result<(), ProjectionError> {
    sqlx::query(
        "WITH known AS (
             INSERT INTO public.projection_version (projection, version, tables, topics)
             VALUES ($1, $2, $3, ARRAY[$4])
                 ON CONFLICT (projection, version)
                 DO UPDATE SET tables = excluded.tables, topics = excluded.topics)
         INSERT INTO public.projection_generation (projection, generation, version, state, promoted_at)
         SELECT $1, 1, $2, 'live', now()
          WHERE NOT EXISTS (SELECT FROM public.projection_generation WHERE projection = $1)
             ON CONFLICT DO NOTHING",
    )
    .bind(P::NAME)
    .bind(P::VERSION)
    .bind(P::TABLES)
    .bind(topic)
    .execute(connection)
    .await?;
    Ok(())
}

/// Waits until nobody swaps generations of a projection, and keeps them where they are to the end of the transaction. A
/// partition that is claimed for the first time has no row by which its claim and a swap could meet.
pub(crate) async fn hold_in_place(
    connection: &mut PgConnection,
    projection: &str,
) -> Result<(), sqlx::Error> {
    lock(
        connection,
        "SELECT pg_advisory_xact_lock_shared(hashtextextended('projection ' || $1, 0))",
        projection,
    )
    .await
}

/// Waits until nobody claims partitions of a projection, and lets nobody begin to, to the end of the transaction.
pub(crate) async fn hold_claims(connection: &mut PgConnection, projection: &str) -> Result<(), sqlx::Error> {
    lock(connection, "SELECT pg_advisory_xact_lock(hashtextextended('projection ' || $1, 0))", projection)
        .await
}

async fn lock(
    connection: &mut PgConnection,
    statement: &'static str,
    projection: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(statement).bind(projection).execute(connection).await?;
    Ok(())
}
