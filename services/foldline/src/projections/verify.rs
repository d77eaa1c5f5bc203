use anyhow::{anyhow, ensure};
use projection::{
    Generation,
    GenerationState::{Building, Live},
    generations::{self, Comparison, Difference, TableComparison},
};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::signal::ctrl_c;

use super::{Chosen, progress::follow};
use crate::output::Output;

/// How many events may be missing when the live generation is held for the two to meet.
const NEAR: i64 = 1_000;
/// What is printed as JSON, a line for each table.
#[rustfmt::skip]
const NAMES: [&str; 9] = [
    "projection", "generation", "live_generation", "table", "rows", "live_rows", "ranges", "differing_ranges",
    "differences",
];

/// Fills a generation from the first event, compares the live one with it, and drops it.
pub(super) async fn verify(chosen: &Chosen, rate: Option<i32>, output: Output) -> anyhow::Result<()> {
    let database = chosen.database().await?;
    let projection = &chosen.projection;
    let mut connection = PgConnection::connect_with(&database).await?;
    let live = generations::in_state(&mut connection, projection, Live).await?;
    let scratch = generations::begin(&mut connection, projection, Some(live.version), rate).await?;
    eprintln!("generation {} of {projection} is begun, to be compared and dropped", scratch.number);
    let comparison = tokio::select! {
        comparison = compare(&database, &scratch) => comparison,
        _ = ctrl_c() => Err(anyhow!("interrupted, nothing was compared")),
    };
    generations::end(&mut connection, projection, Building).await?;
    let comparison = comparison?;
    print(output, projection, &comparison)?;
    ensure!(comparison.is_equal(), "the live rows of {projection} are not what the log says");
    Ok(())
}

async fn compare(database: &PgConnectOptions, scratch: &Generation) -> anyhow::Result<Comparison> {
    follow(database, scratch, NEAR).await?;
    Ok(generations::verify(database, &scratch.projection, Building).await?)
}

fn print(output: Output, projection: &str, comparison: &Comparison) -> anyhow::Result<()> {
    match output {
        Output::Json => {
            let rows = comparison.tables.iter().map(|table| row(projection, comparison, table));
            output.print(NAMES, &rows.collect::<Result<Vec<_>, _>>()?);
        }
        Output::Table => {
            println!("{comparison}");
            if comparison.is_equal() {
                println!("the live rows of {projection} are what the log says");
            }
        }
    }
    Ok(())
}

fn row(
    projection: &str,
    comparison: &Comparison,
    table: &TableComparison,
) -> Result<[Value; 9], serde_json::Error> {
    Ok([
        projection.into(),
        comparison.other.into(),
        comparison.live.into(),
        table.table.clone().into(),
        table.other_rows.into(),
        table.live_rows.into(),
        table.ranges.into(),
        table.differing_ranges.into(),
        table.differences.iter().map(difference).collect::<Result<_, _>>()?,
    ])
}

fn difference(Difference { live, other }: &Difference) -> Result<Value, serde_json::Error> {
    let row = |row: &Option<String>| row.as_deref().map(serde_json::from_str::<Value>).transpose();
    Ok(json!({ "live": row(live)?, "other": row(other)? }))
}
