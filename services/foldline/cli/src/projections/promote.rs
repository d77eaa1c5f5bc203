use clap::Args;
use projection::{
    Generation, GenerationState,
    generations::{self, GenerationError, Promotion},
};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use super::{Target, next_step::with_next_step};
use crate::{confirmation::Confirmation, output::print_line};

/// The conditions under which a generation becomes live.
#[derive(Args, Clone, Copy)]
pub(crate) struct Conditions {
    /// How many events the generation may be behind the live one, which is held back while it catches up.
    #[arg(long, value_name = "EVENTS", default_value_t = 1_000, value_parser = clap::value_parser!(i64).range(0..))]
    pub(super) max_lag: i64,
    /// Promote it even if its rows differ from the live ones, although the same version wrote both.
    #[arg(long)]
    accept_differences: bool,
}

/// Makes the generation in this state live after confirmation.
pub(super) async fn promote(
    target: &Target,
    conditions: Conditions,
    state: GenerationState,
    confirmation: &Confirmation,
) -> anyhow::Result<()> {
    let next_step = |error| with_next_step(target.name(), error);
    let database = target.database().await?;
    let mut connection = PgConnection::connect_with(&database).await?;
    let Generation { projection, number, version, .. } =
        generations::in_state(&mut connection, target.name(), state).await.map_err(next_step)?;
    confirmation.ask(&format!("Make generation {number} (version {version}) of {projection} live?"))?;
    let live = swap(&database, &projection, conditions, state).await.map_err(next_step)?;
    print_live(&live)
}

/// Swaps the generation in this state with the live one.
pub(super) async fn swap(
    database: &PgConnectOptions,
    projection: &str,
    conditions: Conditions,
    state: GenerationState,
) -> Result<Generation, GenerationError> {
    let Conditions { max_lag, accept_differences } = conditions;
    generations::promote(database, projection, Promotion { state, max_lag, accept_differences }).await
}

/// Prints which generation is live now.
pub(super) fn print_live(Generation { projection, number, .. }: &Generation) -> anyhow::Result<()> {
    print_line(format!("generation {number} of {projection} is live; the previous one is on standby"))?;
    Ok(())
}
