use clap::Args;
use projection::{
    Generation,
    GenerationState::{Building, Standby},
    generations::{self, GenerationError},
};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::signal::ctrl_c;

use super::{Target, next_step::with_next_step, progress::follow, promote};
use crate::{INTERRUPTED, confirmation::Confirmation, output::print_line};

#[derive(Args)]
pub(crate) struct Rebuild {
    #[command(flatten)]
    target: Target,
    /// The version of the projection that fills the new generation, instead of the highest that has run.
    #[arg(long, value_name = "NUMBER")]
    version: Option<i32>,
    /// The maximum number of events per second that each projector applies to the new generation.
    #[arg(long, value_name = "RATE", value_parser = clap::value_parser!(i32).range(1..))]
    rate: Option<i32>,
    /// Begin the rebuild and return immediately.
    #[arg(long, conflicts_with = "promote")]
    detach: bool,
    /// Show the progress of a rebuild that has already begun.
    #[arg(long, conflicts_with_all = ["version", "rate", "detach"])]
    follow: bool,
    /// Make the new generation live as soon as it has caught up.
    #[arg(long)]
    promote: bool,
    #[command(flatten)]
    conditions: promote::Conditions,
    #[command(flatten)]
    confirmation: Confirmation,
}

impl Rebuild {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let projection = self.target.name();
        let database = self.target.database().await?;
        if self.promote {
            self.confirm_promotion(&database).await?;
        }
        let generation =
            self.generation(&database).await.map_err(|error| with_next_step(projection, error))?;
        if !self.follow {
            let Generation { number, version, .. } = generation;
            print_line(format!("building generation {number} of {projection} with version {version}"))?;
        }
        if self.detach {
            print_line(format!("`foldline projections rebuild {projection} --follow` shows its progress"))?;
            return Ok(());
        }
        self.finish(&database, &generation).await
    }

    /// Asks for confirmation before the rebuild instead of hours later. Also fails if a generation is on standby, which
    /// would prevent the promotion.
    async fn confirm_promotion(&self, database: &PgConnectOptions) -> anyhow::Result<()> {
        let projection = self.target.name();
        let mut connection = PgConnection::connect_with(database).await?;
        if let Ok(standby) = generations::in_state(&mut connection, projection, Standby).await {
            let Generation { projection, number: generation, state, .. } = standby;
            let error = GenerationError::Exists { projection, generation, state };
            return Err(with_next_step(self.target.name(), error));
        }
        self.confirmation
            .ask(&format!("Make the new generation of {projection} live as soon as it is ready?"))
    }

    /// Begins a new generation, or finds the one that is already building.
    async fn generation(&self, database: &PgConnectOptions) -> Result<Generation, GenerationError> {
        let mut connection = PgConnection::connect_with(database).await?;
        let projection = self.target.name();
        if self.follow {
            return generations::in_state(&mut connection, projection, Building).await;
        }
        generations::begin(&mut connection, projection, self.version, self.rate).await
    }

    /// Shows the progress until the generation is ready, then promotes it if `--promote` was given.
    async fn finish(&self, database: &PgConnectOptions, generation: &Generation) -> anyhow::Result<()> {
        let Generation { projection, number, .. } = generation;
        loop {
            self.until_ready(database, generation).await?;
            if !self.promote {
                print_line(format!(
                    "generation {number} of {projection} is ready; \
                     `foldline projections promote {projection}` makes it live"
                ))?;
                return Ok(());
            }
            match promote::swap(database, projection, self.conditions, Building).await {
                // The live generation has moved on in the meantime.
                Err(GenerationError::TooFarBehind { .. }) => {}
                Err(error) => return Err(with_next_step(projection, error)),
                Ok(live) => return promote::print_live(&live),
            }
        }
    }

    /// Shows the progress until the generation meets the conditions. Ctrl-C ends the program.
    async fn until_ready(&self, database: &PgConnectOptions, generation: &Generation) -> anyhow::Result<()> {
        tokio::select! {
            followed = follow(database, generation, self.conditions.max_lag) => followed,
            interrupted = ctrl_c() => {
                interrupted?;
                leave(&generation.projection);
            }
        }
    }
}

/// Ends the program. Projectors continue the rebuild.
fn leave(projection: &str) -> ! {
    eprintln!(
        "\nthe rebuild continues: `foldline projections rebuild {projection} --follow` shows its progress, \
         `foldline projections cancel {projection}` ends it"
    );
    std::process::exit(INTERRUPTED)
}
