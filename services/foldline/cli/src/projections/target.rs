use anyhow::anyhow;
use clap::Args;
use projection::generations;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use crate::{hint::hinted, read_models::ReadModels};

/// The projection that a command is about.
#[derive(Args)]
pub(crate) struct Target {
    /// The projection, such as `orders`.
    #[arg(value_name = "PROJECTION")]
    projection: String,
    #[command(flatten)]
    read_models: ReadModels,
}

impl Target {
    /// The name of the projection.
    pub(crate) fn name(&self) -> &str {
        &self.projection
    }

    /// Finds the database that has the projection. Fails if there are several.
    pub(crate) async fn database(&self) -> anyhow::Result<PgConnectOptions> {
        let (mut found, mut names) = (None, Vec::new());
        for read_model in self.read_models.find().await? {
            let mut connection = PgConnection::connect_with(&read_model.options).await?;
            if !generations::generations_of(&mut connection, &self.projection).await?.is_empty() {
                names.push(read_model.name);
                found = Some(read_model.options);
            }
        }
        match (found, names.as_slice()) {
            (Some(database), [_]) => Ok(database),
            (None, _) => Err(hinted(
                anyhow!("no database has a projection {}", self.projection),
                "`foldline projections list` shows those that have run",
            )),
            (Some(_), names) => Err(hinted(
                anyhow!("several databases have a projection {}: {}", self.projection, names.join(", ")),
                format!("choose one of them, such as `--database {}`", names[0]),
            )),
        }
    }
}
