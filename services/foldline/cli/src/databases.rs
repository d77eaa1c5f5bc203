use std::{collections::BTreeSet, fs, path::Path};

use anyhow::Context;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use crate::{folders::names_in, settings::DatabaseSettings};

/// The names of all databases without their prefix: those in the list of services, and those with a folder of
/// migrations.
pub(crate) fn names(settings: &DatabaseSettings) -> anyhow::Result<BTreeSet<String>> {
    let mut names = named_by_services(&settings.services)?;
    names.extend(names_in(&settings.migrations)?);
    Ok(names)
}

/// The `NAME` of every `database=USER@NAME` in the list of services.
fn named_by_services(list: &Path) -> anyhow::Result<BTreeSet<String>> {
    let list = fs::read_to_string(list).with_context(|| format!("cannot read {}", list.display()))?;
    let words = list.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace);
    let databases = words.filter_map(|word| word.strip_prefix("database=")?.split_once('@'));
    Ok(databases.map(|(_user, name)| name.to_owned()).collect())
}

/// The databases that contain read models.
pub(crate) async fn with_projections(settings: &DatabaseSettings) -> anyhow::Result<Vec<PgConnectOptions>> {
    let mut found = Vec::new();
    for name in names(settings)? {
        let name = format!("{}{name}", settings.database_prefix);
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
