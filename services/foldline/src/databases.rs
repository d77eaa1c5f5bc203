use anyhow::Context;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use crate::{folders::names_in, settings::DatabaseSettings};

/// The databases that keep read models.
pub(crate) async fn with_projections(settings: &DatabaseSettings) -> anyhow::Result<Vec<PgConnectOptions>> {
    let mut found = Vec::new();
    for folder in names_in(&settings.migrations)? {
        let name = format!("{}{folder}", settings.database_prefix);
        let server: PgConnectOptions =
            settings.server_url.parse().context("not the URL of a Postgres server")?;
        let database = server.database(&name);
        let mut connection = PgConnection::connect_with(&database)
            .await
            .with_context(|| format!("cannot connect to {name}"))?;
        let has_projections: bool =
            sqlx::query_scalar("SELECT to_regclass('public.projection_generation') IS NOT NULL")
                .fetch_one(&mut connection)
                .await?;
        if has_projections {
            found.push(database);
        }
    }
    Ok(found)
}
