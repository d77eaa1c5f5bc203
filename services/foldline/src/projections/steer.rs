use projection::{GenerationState, generations};
use sqlx::{Connection, PgConnection};

use super::OneGeneration;

/// Leaves a generation where it is.
pub(super) async fn pause(one: &OneGeneration) -> anyhow::Result<()> {
    let (mut connection, number) = one.find().await?;
    generations::pause(&mut connection, &one.chosen.projection, number).await?;
    println!("generation {number} of {} is paused", one.chosen.projection);
    Ok(())
}

/// Goes on with a generation.
pub(super) async fn resume(one: &OneGeneration) -> anyhow::Result<()> {
    let (mut connection, number) = one.find().await?;
    generations::resume(&mut connection, &one.chosen.projection, number).await?;
    println!("generation {number} of {} goes on", one.chosen.projection);
    Ok(())
}

/// Sets how fast a generation is filled at most.
pub(super) async fn limit(one: &OneGeneration, rate: Option<i32>) -> anyhow::Result<()> {
    let (mut connection, number) = one.find().await?;
    generations::limit(&mut connection, &one.chosen.projection, number, rate).await?;
    let limit =
        rate.map_or_else(|| "has no limit".to_owned(), |rate| format!("is limited to {rate} events/s"));
    println!("generation {number} of {} {limit}", one.chosen.projection);
    Ok(())
}

impl OneGeneration {
    async fn find(&self) -> anyhow::Result<(PgConnection, i32)> {
        let mut connection = PgConnection::connect_with(&self.chosen.database().await?).await?;
        if let Some(number) = self.generation {
            return Ok((connection, number));
        }
        let projection = &self.chosen.projection;
        let building = generations::in_state(&mut connection, projection, GenerationState::Building).await?;
        Ok((connection, building.number))
    }
}
