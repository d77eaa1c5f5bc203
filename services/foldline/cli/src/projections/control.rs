use std::str::FromStr;

use clap::Args;
use projection::{GenerationState, generations};
use sqlx::{Connection, PgConnection};

use super::{Target, next_step::with_next_step};
use crate::output::print_line;

/// The generation that a command is about.
#[derive(Args)]
pub(crate) struct GenerationTarget {
    #[command(flatten)]
    target: Target,
    /// The number of the generation, instead of the one that is building.
    #[arg(long, value_name = "NUMBER")]
    generation: Option<i32>,
}

/// The maximum number of events per second; `None` for no limit.
#[derive(Clone, Copy)]
pub(crate) struct Rate(Option<i32>);

impl FromStr for Rate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            _ if text == "none" => Ok(Self(None)),
            Ok(rate @ 1..) => Ok(Self(Some(rate))),
            _ => Err("expected a positive number or `none`"),
        }
    }
}

/// Stops applying events to a generation.
pub(super) async fn pause(generation: &GenerationTarget) -> anyhow::Result<()> {
    let (mut connection, projection, number) = generation.find().await?;
    let paused = generations::pause(&mut connection, projection, number).await;
    paused.map_err(|error| with_next_step(projection, error))?;
    Ok(print_line(format!("generation {number} of {projection} is paused"))?)
}

/// Resumes applying events to a generation.
pub(super) async fn resume(generation: &GenerationTarget) -> anyhow::Result<()> {
    let (mut connection, projection, number) = generation.find().await?;
    let resumed = generations::resume(&mut connection, projection, number).await;
    resumed.map_err(|error| with_next_step(projection, error))?;
    Ok(print_line(format!("generation {number} of {projection} is resumed"))?)
}

/// Limits how fast events are applied to a generation.
pub(super) async fn limit(generation: &GenerationTarget, Rate(rate): Rate) -> anyhow::Result<()> {
    let (mut connection, projection, number) = generation.find().await?;
    let limited = generations::limit(&mut connection, projection, number, rate).await;
    limited.map_err(|error| with_next_step(projection, error))?;
    let limit = rate.map_or_else(
        || "has no limit".to_owned(),
        |rate| format!("is limited to {rate} events per second and projector"),
    );
    Ok(print_line(format!("generation {number} of {projection} {limit}"))?)
}

impl GenerationTarget {
    async fn find(&self) -> anyhow::Result<(PgConnection, &str, i32)> {
        let projection = self.target.name();
        let mut connection = PgConnection::connect_with(&self.target.database().await?).await?;
        if let Some(number) = self.generation {
            return Ok((connection, projection, number));
        }
        let building = generations::in_state(&mut connection, projection, GenerationState::Building).await;
        let building = building.map_err(|error| with_next_step(projection, error))?;
        Ok((connection, projection, building.number))
    }
}
