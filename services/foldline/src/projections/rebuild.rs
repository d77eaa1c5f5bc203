use clap::Args;
use projection::{
    Generation,
    GenerationState::{Building, Standby},
    generations::{self, GenerationError},
};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::signal::ctrl_c;

use super::{Chosen, progress::follow, promote};
use crate::{INTERRUPTED, ask::ask};

/// How a projection is rebuilt.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "the switches of a command line")]
pub(crate) struct Rebuild {
    #[command(flatten)]
    chosen: Chosen,
    /// The projection's version that fills it; without it, the highest that has run here.
    #[arg(long)]
    version: Option<i32>,
    /// The most events a second that each projector applies to it.
    #[arg(long, value_parser = clap::value_parser!(i32).range(1..))]
    rate: Option<i32>,
    /// Begin it and return.
    #[arg(long, conflicts_with = "promote")]
    detach: bool,
    /// Follow the one that is being built already.
    #[arg(long, conflicts_with_all = ["version", "rate", "detach"])]
    follow: bool,
    /// Make it live as soon as it is before the gate.
    #[arg(long)]
    promote: bool,
    #[command(flatten)]
    gate: promote::Gate,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

impl Rebuild {
    /// Begins a generation and follows it.
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let projection = &self.chosen.projection;
        let database = self.chosen.database().await?;
        if self.promote {
            self.prepare_promotion(&database).await?;
        }
        let generation = self.generation(&database).await?;
        if self.detach {
            println!("`projections rebuild --projection {projection} --follow` shows how far it is");
            return Ok(());
        }
        loop {
            self.until_near(&database, &generation).await?;
            if !self.promote {
                println!(
                    "it is near enough to be made live: `projections promote --projection {projection}`"
                );
                return Ok(());
            }
            match promote::swap(&database, projection, self.gate, Building).await {
                // The live one has moved on since.
                Err(GenerationError::TooFarBehind { .. }) => {}
                swapped => return Ok(swapped?),
            }
        }
    }

    /// Asks, and finds what would be in the way, before hours have passed.
    async fn prepare_promotion(&self, database: &PgConnectOptions) -> anyhow::Result<()> {
        let projection = &self.chosen.projection;
        let mut connection = PgConnection::connect_with(database).await?;
        if let Ok(standby) = generations::in_state(&mut connection, projection, Standby).await {
            anyhow::bail!("generation {} of {projection} is on standby: drop it first", standby.number);
        }
        ask(&format!("Make the new generation of {projection} live as soon as it is ready?"), self.yes)
    }

    async fn generation(&self, database: &PgConnectOptions) -> anyhow::Result<Generation> {
        let mut connection = PgConnection::connect_with(database).await?;
        let projection = &self.chosen.projection;
        if self.follow {
            return Ok(generations::in_state(&mut connection, projection, Building).await?);
        }
        let begun = generations::begin(&mut connection, projection, self.version, self.rate).await?;
        println!("generation {} of {projection} is begun, for version {}", begun.number, begun.version);
        Ok(begun)
    }

    /// Follows it until it is near enough to be made live. Ctrl-C ends the program.
    async fn until_near(&self, database: &PgConnectOptions, generation: &Generation) -> anyhow::Result<()> {
        tokio::select! {
            followed = follow(database, generation, self.gate.max_lag) => followed,
            interrupted = ctrl_c() => {
                interrupted?;
                self.leave();
            }
        }
    }

    /// It goes on without anybody who looks.
    fn leave(&self) -> ! {
        let projection = &self.chosen.projection;
        eprintln!(
            "\nit is being built all the same. To go on: `projections rebuild --projection {projection} --follow`; \
             to end it: `projections cancel --projection {projection}`"
        );
        std::process::exit(INTERRUPTED)
    }
}
