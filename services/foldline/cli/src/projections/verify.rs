use std::process::exit;

use anyhow::ensure;
use projection::{
    Generation,
    GenerationState::{Building, Live},
    generations::{self, Comparison, Difference, TableComparison},
};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::signal::ctrl_c;

use super::{Target, next_step::with_next_step, progress::follow};
use crate::{
    INTERRUPTED,
    output::{Format, Output, print_line},
};

/// How many events the new generation may be behind when the live one is held back for it to catch up.
const MAX_LAG: i64 = 1_000;
#[rustfmt::skip]
const COLUMNS: [&str; 9] = [
    "projection", "generation", "live_generation", "table", "rows", "live_rows", "ranges", "differing_ranges",
    "differences",
];

/// Fills a generation from the first event, compares the live one with it, and drops it.
pub(super) async fn verify(target: &Target, rate: Option<i32>, output: Output) -> anyhow::Result<()> {
    let projection = target.name();
    let next_step = |error| with_next_step(projection, error);
    let database = target.database().await?;
    let mut connection = PgConnection::connect_with(&database).await?;
    let live = generations::in_state(&mut connection, projection, Live).await.map_err(next_step)?;
    let scratch =
        generations::begin(&mut connection, projection, Some(live.version), rate).await.map_err(next_step)?;
    eprintln!("building generation {} of {projection}, to compare it and drop it", scratch.number);
    let comparison = tokio::select! {
        comparison = compare(&database, &scratch) => Some(comparison),
        _ = ctrl_c() => None,
    };
    generations::end(&mut connection, projection, Building).await?;
    let Some(comparison) = comparison else {
        eprintln!("interrupted: nothing was compared");
        exit(INTERRUPTED)
    };
    let comparison = comparison?;
    print(output, projection, &comparison)?;
    ensure!(comparison.is_equal(), "the live rows of {projection} differ from those built from the log");
    Ok(())
}

async fn compare(database: &PgConnectOptions, scratch: &Generation) -> anyhow::Result<Comparison> {
    follow(database, scratch, MAX_LAG).await?;
    Ok(generations::verify(database, &scratch.projection, Building).await?)
}

fn print(output: Output, projection: &str, comparison: &Comparison) -> anyhow::Result<()> {
    match output.format {
        Format::Json => {
            let rows = comparison.tables.iter().map(|table| row(projection, comparison, table));
            output.print(COLUMNS, &rows.collect::<Result<Vec<_>, _>>()?)?;
        }
        Format::Table => {
            print_line(comparison)?;
            if comparison.is_equal() {
                print_line(format!("the live rows of {projection} equal those built from the log"))?;
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
