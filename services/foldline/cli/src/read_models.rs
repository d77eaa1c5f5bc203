use clap::Args;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use crate::{databases::with_projections, settings::DatabaseSettings};

/// The databases that a command searches.
#[derive(Args)]
pub(crate) struct ReadModels {
    /// Search only this database, such as `orders_read`.
    #[arg(long, value_name = "DATABASE")]
    database: Option<String>,
    #[command(flatten)]
    settings: DatabaseSettings,
}

/// A database with read models.
pub(crate) struct ReadModel {
    /// The database's name without the prefix.
    pub(crate) name: String,
    pub(crate) options: PgConnectOptions,
}

impl ReadModels {
    pub(crate) async fn find(&self) -> anyhow::Result<Vec<ReadModel>> {
        let prefix = self.settings.database_prefix.as_str();
        let databases = with_projections(&self.settings).await?.into_iter().map(|options| {
            let full = options.get_database().unwrap_or_default();
            ReadModel { name: full.strip_prefix(prefix).unwrap_or(full).to_owned(), options }
        });
        let is_wanted = |found: &ReadModel| self.database.as_ref().is_none_or(|name| *name == found.name);
        Ok(databases.filter(is_wanted).collect())
    }

    pub(crate) async fn connect(&self) -> anyhow::Result<Vec<PgConnection>> {
        let mut connections = Vec::new();
        for read_model in self.find().await? {
            connections.push(PgConnection::connect_with(&read_model.options).await?);
        }
        Ok(connections)
    }
}
