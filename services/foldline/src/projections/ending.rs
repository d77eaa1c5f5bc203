use projection::{Generation, GenerationState, generations};
use sqlx::{Connection, PgConnection};

use super::Chosen;
use crate::ask::ask;

/// Drops the generation in this state.
pub(super) async fn end(chosen: &Chosen, state: GenerationState, yes: bool) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect_with(&chosen.database().await?).await?;
    let Generation { projection, number, .. } =
        generations::in_state(&mut connection, &chosen.projection, state).await?;
    ask(&format!("Drop generation {number} of {projection}, which is {state}?"), yes)?;
    let ended = generations::end(&mut connection, &projection, state).await?;
    println!("generation {} of {projection} is dropped", ended.number);
    Ok(())
}
