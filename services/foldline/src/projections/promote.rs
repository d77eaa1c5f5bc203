use clap::Args;
use projection::{
    Generation, GenerationState,
    generations::{self, GenerationError, Promotion},
};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use super::Chosen;
use crate::ask::ask;

/// What must be true of a generation that becomes live.
#[derive(Args, Clone, Copy)]
pub(crate) struct Gate {
    /// How many events it may be behind the live one, which it catches up with while that is held.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(i64).range(0..))]
    pub(super) max_lag: i64,
    /// Promote it although its rows are others than those of the live one, which the same version has filled.
    #[arg(long)]
    accept_differences: bool,
}

/// Makes the generation in this state live.
pub(super) async fn promote(
    chosen: &Chosen,
    gate: Gate,
    state: GenerationState,
    yes: bool,
) -> anyhow::Result<()> {
    let database = chosen.database().await?;
    let mut connection = PgConnection::connect_with(&database).await?;
    let Generation { projection, number, version, .. } =
        generations::in_state(&mut connection, &chosen.projection, state).await?;
    ask(&format!("Make generation {number} (version {version}) of {projection} live?"), yes)?;
    Ok(swap(&database, &projection, gate, state).await?)
}

/// Does it, and says so.
pub(super) async fn swap(
    database: &PgConnectOptions,
    projection: &str,
    gate: Gate,
    state: GenerationState,
) -> Result<(), GenerationError> {
    let Gate { max_lag, accept_differences } = gate;
    let promotion = Promotion { state, max_lag, accept_differences };
    let live = generations::promote(database, projection, promotion).await?;
    println!("generation {} of {projection} is live, the one before is on standby", live.number);
    Ok(())
}
