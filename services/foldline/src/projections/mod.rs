//! The generations of every read model: listing them, rebuilding beside the live one, putting another in its place.

mod ending;
mod list;
mod progress;
mod promote;
mod rebuild;
mod steer;
mod verify;

use anyhow::bail;
use clap::{Args, Subcommand};
use projection::{
    GenerationState::{Building, Standby},
    generations,
};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use self::{promote::Gate, rebuild::Rebuild};
use crate::{
    databases::with_projections,
    output::Output,
    settings::{DatabaseSettings, LogSettings},
};

/// What can be done with projections.
#[derive(Subcommand)]
pub(crate) enum Projections {
    /// Print every generation of every projection: what it is there for, and how far it is.
    List {
        /// How they are printed.
        #[arg(long, value_enum, default_value = "table")]
        output: Output,
        #[command(flatten)]
        databases: DatabaseSettings,
        #[command(flatten)]
        log: LogSettings,
    },
    /// Fill new tables from the first event, beside the live ones, and follow how far they are.
    Rebuild(Rebuild),
    /// Make the generation that is building live; the one that was live is kept on standby.
    Promote {
        #[command(flatten)]
        chosen: Chosen,
        #[command(flatten)]
        gate: Gate,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Make the generation on standby live again.
    Rollback {
        #[command(flatten)]
        chosen: Chosen,
        #[command(flatten)]
        gate: Gate,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Drop the generation that is building.
    Cancel {
        #[command(flatten)]
        chosen: Chosen,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Drop the generation on standby.
    Drop {
        #[command(flatten)]
        chosen: Chosen,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Fold the whole log into tables beside the live ones, and compare the two row by row. Exit 1 if they differ.
    Verify {
        #[command(flatten)]
        chosen: Chosen,
        /// The most events a second that each projector applies to it.
        #[arg(long, value_parser = clap::value_parser!(i32).range(1..))]
        rate: Option<i32>,
        /// How the comparison is printed.
        #[arg(long, value_enum, default_value = "table")]
        output: Output,
    },
    /// Leave a generation where it is.
    Pause(OneGeneration),
    /// Go on with a generation that was paused.
    Resume(OneGeneration),
    /// Let each projector apply no more events a second than these to a generation.
    Limit {
        #[command(flatten)]
        one: OneGeneration,
        /// The most events a second; without it there is no limit.
        #[arg(long, value_parser = clap::value_parser!(i32).range(1..))]
        rate: Option<i32>,
    },
}

/// Which projection.
#[derive(Args)]
pub(crate) struct Chosen {
    /// The projection, as in `orders`.
    #[arg(long)]
    projection: String,
    #[command(flatten)]
    databases: DatabaseSettings,
}

/// Which generation of a projection.
#[derive(Args)]
pub(crate) struct OneGeneration {
    #[command(flatten)]
    chosen: Chosen,
    /// Its number; without it, the one that is building.
    #[arg(long)]
    generation: Option<i32>,
}

/// Does it.
pub(crate) async fn run(command: Projections) -> anyhow::Result<()> {
    match command {
        Projections::List { output, databases, log } => list::list(output, &databases, &log).await,
        Projections::Rebuild(rebuild) => rebuild.run().await,
        Projections::Promote { chosen, gate, yes } => promote::promote(&chosen, gate, Building, yes).await,
        Projections::Rollback { chosen, gate, yes } => promote::promote(&chosen, gate, Standby, yes).await,
        Projections::Cancel { chosen, yes } => ending::end(&chosen, Building, yes).await,
        Projections::Drop { chosen, yes } => ending::end(&chosen, Standby, yes).await,
        Projections::Verify { chosen, rate, output } => verify::verify(&chosen, rate, output).await,
        Projections::Pause(one) => steer::pause(&one).await,
        Projections::Resume(one) => steer::resume(&one).await,
        Projections::Limit { one, rate } => steer::limit(&one, rate).await,
    }
}

impl Chosen {
    /// The database in which the projection is.
    pub(super) async fn database(&self) -> anyhow::Result<PgConnectOptions> {
        for database in with_projections(&self.databases).await? {
            let mut connection = PgConnection::connect_with(&database).await?;
            if !generations::generations_of(&mut connection, &self.projection).await?.is_empty() {
                return Ok(database);
            }
        }
        bail!(
            "there is no projection {} in any database: `projections list` knows those that are",
            self.projection
        )
    }
}
