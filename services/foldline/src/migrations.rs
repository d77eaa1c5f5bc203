use anyhow::Context;
use sqlx::{Connection, PgConnection, migrate::MigrateDatabase, migrate::Migrator};

use crate::{folders::names_in, settings::DatabaseSettings};

/// Creates every database and brings its tables up to date.
pub(crate) async fn apply(settings: &DatabaseSettings) -> anyhow::Result<()> {
    for database in names_in(&settings.migrations)? {
        let name = format!("{}{database}", settings.database_prefix);
        let url = format!("{}/{name}", settings.server_url.trim_end_matches('/'));
        if !sqlx::Postgres::database_exists(&url).await.context("Postgres does not answer")? {
            sqlx::Postgres::create_database(&url).await.with_context(|| format!("cannot create {name}"))?;
        }
        let migrator = Migrator::new(settings.migrations.join(&database)).await?;
        let mut connection = PgConnection::connect(&url).await?;
        migrator.run(&mut connection).await.with_context(|| format!("cannot migrate {name}"))?;
        println!("database {name}: {} migrations, all applied", migrator.iter().count());
    }
    Ok(())
}
