//! The generations of a projection's tables, as listed in the tables `projection_version` and `projection_generation`.

use std::fmt::{self, Display, Formatter};

use sqlx::{Connection, FromRow, PgConnection, Type, postgres::PgConnectOptions};

use crate::{Projection, ProjectionError, listener::CONTROL};

/// The state of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum GenerationState {
    /// Queries read this generation.
    Live,
    /// It is being filled from the first event, and can become live.
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
    /// The generation's number; generations are numbered 1, 2, 3 in the order in which they were begun.
    #[sqlx(rename = "generation")]
    pub number: i32,
    /// The version of the projection that fills it.
    pub version: i32,
    /// Whether it is live, building or on standby.
    pub state: GenerationState,
    /// Whether projectors are told not to fill it.
    pub paused: bool,
    /// The maximum number of events per second that each projector applies to it.
    pub rate_limit: Option<i32>,
    /// Why its projector makes no progress, according to the instance that reported last.
    pub trouble: Option<String>,
}

impl Generation {
    /// The schema that currently contains its tables.
    pub fn schema(&self) -> String {
        match self.state {
            GenerationState::Live => "public".to_owned(),
            GenerationState::Building | GenerationState::Standby => self.own_schema(),
        }
    }

    /// The schema that contains its tables while it is not live.
    pub(crate) fn own_schema(&self) -> String {
        format!("{}_g{}", self.projection, self.number)
    }
}

/// Notifies all listeners, when the transaction commits, that a generation of this projection was created, dropped or
/// changed.
pub(crate) async fn notify(connection: &mut PgConnection, projection: &str) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT pg_notify($1, $2)").bind(CONTROL).bind(projection).execute(connection).await?;
    Ok(())
}

/// All generations of a projection, from the oldest to the newest.
pub(crate) async fn all(
    connection: &mut PgConnection,
    projection: &str,
) -> Result<Vec<Generation>, sqlx::Error> {
    sqlx::query_as(
        "SELECT projection, generation, version, state, paused, rate_limit, trouble
           FROM public.projection_generation
          WHERE projection = $1
          ORDER BY generation",
    )
    .bind(projection)
    .fetch_all(connection)
    .await
}

/// One generation, if it exists.
pub(crate) async fn one(
    connection: &mut PgConnection,
    projection: &str,
    number: i32,
) -> Result<Option<Generation>, sqlx::Error> {
    let generations = all(connection, projection).await?;
    Ok(generations.into_iter().find(|generation| generation.number == number))
}

/// Stores why a generation makes no progress; `None` if it does.
pub(crate) async fn write_trouble(
    database: &PgConnectOptions,
    projection: &str,
    number: i32,
    trouble: Option<&str>,
) -> Result<(), ProjectionError> {
    let mut connection = PgConnection::connect_with(database).await?;
    sqlx::query(
        "UPDATE public.projection_generation SET trouble = $3
          WHERE projection = $1 AND generation = $2 AND trouble IS DISTINCT FROM $3",
    )
    .bind(projection)
    .bind(number)
    .bind(trouble)
    .execute(&mut connection)
    .await?;
    Ok(connection.close().await?)
}

/// Registers this version of a projection. If the projection has no generation yet, the empty tables of the migrations
/// become the first one.
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

/// Waits for a swap of generations to end, and prevents another until the transaction ends. This needs an advisory
/// lock, because a partition that is claimed for the first time has no row that the claim and a swap could both lock.
pub(crate) async fn block_swaps(connection: &mut PgConnection, projection: &str) -> Result<(), sqlx::Error> {
    lock(
        connection,
        "SELECT pg_advisory_xact_lock_shared(hashtextextended('projection ' || $1, 0))",
        projection,
    )
    .await
}

/// Waits for claims of partitions to end, and prevents further ones until the transaction ends.
pub(crate) async fn block_claims(connection: &mut PgConnection, projection: &str) -> Result<(), sqlx::Error> {
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
