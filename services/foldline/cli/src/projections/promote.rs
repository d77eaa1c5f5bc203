use clap::Args;
use projection::{
    Generation, GenerationState,
    generations::{self, GenerationError, Promotion},
};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use super::{Target, next_step::with_next_step};
use crate::{confirmation::Confirmation, output::print_line};

/// What a generation must fulfil to become live.
#[derive(Args, Clone, Copy)]
pub(crate) struct Gate {
    /// The most events that the generation may be behind the live one, which is held while it catches up.
    #[arg(long, value_name = "EVENTS", default_value_t = 1_000, value_parser = clap::value_parser!(i64).range(0..))]
    pub(super) max_lag: i64,
    /// Promote it even if its rows differ from the live ones that the same version has filled.
    #[arg(long)]
    accept_differences: bool,
}

/// Makes the generation in this state live.
pub(super) async fn promote(
    target: &Target,
    gate: Gate,
    state: GenerationState,
    confirmation: &Confirmation,
) -> anyhow::Result<()> {
    let next_step = |error| with_next_step(target.name(), error);
    let database = target.database().await?;
    let mut connection = PgConnection::connect_with(&database).await?;
    let Generation { projection, number, version, .. } =
        generations::in_state(&mut connection, target.name(), state).await.map_err(next_step)?;
    confirmation.ask(&format!("Make generation {number} (version {version}) of {projection} live?"))?;
    let live = swap(&database, &projection, gate, state).await.map_err(next_step)?;
    print_live(&live)
}

/// Puts the generation in the place of the live one.
pub(super) async fn swap(
    database: &PgConnectOptions,
    projection: &str,
    gate: Gate,
    state: GenerationState,
) -> Result<Generation, GenerationError> {
    let Gate { max_lag, accept_differences } = gate;
    generations::promote(database, projection, Promotion { state, max_lag, accept_differences }).await
}

/// Says which generation is live now.
pub(super) fn print_live(Generation { projection, number, .. }: &Generation) -> anyhow::Result<()> {
    print_line(format!("generation {number} of {projection} is live; the previous one is on standby"))?;
    Ok(())
}
