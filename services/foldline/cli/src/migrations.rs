use std::path::Path;

use anyhow::{Context, bail};
use sqlx::{
    Connection, PgConnection,
    migrate::{MigrateDatabase, Migration, Migrator},
};

use crate::{databases, settings::DatabaseSettings};

/// The platform's migrations have numbers below this, and those of a context above it, so that either can add more.
const PLATFORM_LIMIT: i64 = 1000;

/// Creates every database and applies its migrations.
pub(crate) async fn apply(settings: &DatabaseSettings) -> anyhow::Result<()> {
    for database in databases::names(settings)? {
        let name = format!("{}{database}", settings.database_prefix);
        let url = format!("{}/{name}", settings.server_url.trim_end_matches('/'));
        if !sqlx::Postgres::database_exists(&url).await.context("Postgres does not respond")? {
            sqlx::Postgres::create_database(&url).await.with_context(|| format!("cannot create {name}"))?;
        }
        let migrator = migrator(&settings.migrations, &database).await?;
        let mut connection = PgConnection::connect(&url).await?;
        migrator.run(&mut connection).await.with_context(|| format!("cannot migrate {name}"))?;
        println!("database {name}: {} migrations, all applied", migrator.iter().count());
    }
    Ok(())
}

/// The platform's migrations for a database, then those of its context, if there are any.
async fn migrator(folder: &Path, database: &str) -> anyhow::Result<Migrator> {
    let platform = match database.rsplit_once('_') {
        Some((_, "read")) => &projection::MIGRATOR,
        Some((_, "write")) => &command_engine::MIGRATOR,
        _ => bail!("database {database}: the name must end with _read or _write"),
    };
    let folder = folder.join(database);
    let own = if folder.is_dir() { Migrator::new(folder).await? } else { Migrator::DEFAULT };
    if let Some(migration) = own.iter().find(|migration| migration.version <= PLATFORM_LIMIT) {
        bail!(
            "{database}: rename migration {:04}, because numbers up to {PLATFORM_LIMIT} are reserved for the platform",
            migration.version
        );
    }
    let migrations: Vec<Migration> = platform.iter().chain(own.iter()).cloned().collect();
    Ok(Migrator { migrations: migrations.into(), ..Migrator::DEFAULT })
}
