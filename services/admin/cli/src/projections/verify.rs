use anyhow::{anyhow, ensure};
use projection::{
    Generation,
    GenerationState::{Building, Live},
    generations::{self, Comparison},
};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::signal::ctrl_c;

use super::{Chosen, progress::follow};

/// How many events may be missing when the live generation is held for the two to meet.
const NEAR: i64 = 1_000;

/// Fills a generation from the first event, compares the live one with it, and drops it.
pub(super) async fn verify(chosen: &Chosen, rate: Option<i32>) -> anyhow::Result<()> {
    let database = chosen.database().await?;
    let projection = &chosen.projection;
    let mut connection = PgConnection::connect_with(&database).await?;
    let live = generations::in_state(&mut connection, projection, Live).await?;
    let scratch = generations::begin(&mut connection, projection, Some(live.version), rate).await?;
    println!("generation {} of {projection} is begun, to be compared and dropped", scratch.number);
    let comparison = tokio::select! {
        comparison = compare(&database, &scratch) => comparison,
        _ = ctrl_c() => Err(anyhow!("interrupted, nothing was compared")),
    };
    generations::end(&mut connection, projection, Building).await?;
    let comparison = comparison?;
    println!("{comparison}");
    ensure!(comparison.is_equal(), "the live rows of {projection} are not what the log says");
    println!("the live rows of {projection} are what the log says");
    Ok(())
}

async fn compare(database: &PgConnectOptions, scratch: &Generation) -> anyhow::Result<Comparison> {
    follow(database, scratch, NEAR).await?;
    Ok(generations::verify(database, &scratch.projection, Building).await?)
}
