use projection::{Generation, GenerationState, generations};
use sqlx::{Connection, PgConnection};

use super::{Target, next_step::with_next_step};
use crate::{confirmation::Confirmation, output::print_line};

/// Drops the generation in this state after confirmation.
pub(super) async fn discard(
    target: &Target,
    state: GenerationState,
    confirmation: &Confirmation,
) -> anyhow::Result<()> {
    let next_step = |error| with_next_step(target.name(), error);
    let mut connection = PgConnection::connect_with(&target.database().await?).await?;
    let Generation { projection, number, .. } =
        generations::in_state(&mut connection, target.name(), state).await.map_err(next_step)?;
    confirmation.ask(&format!("Drop generation {number} of {projection}, which is {state}?"))?;
    let dropped = generations::end(&mut connection, &projection, state).await.map_err(next_step)?;
    print_line(format!("dropped generation {} of {projection}", dropped.number))?;
    Ok(())
}
