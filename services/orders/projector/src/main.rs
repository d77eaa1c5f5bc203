//! The projector of orders: it turns their events into the tables of each projection. Each projection has its own
//! folder, except the journal, which is part of the platform.

mod customer_totals;
mod orders;
#[cfg(test)]
mod tests;

use projection::{Journal, Projectors, Settings};
use service_kit::{Start, start};

use crate::{customer_totals::CustomerTotals, orders::Orders};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Start { settings, health, shutdown } =
        start("127.0.0.1:9103", |environment| Settings::read(environment, "orders")).await?;

    let mut projectors = Projectors::new("orders-projector", settings, health, shutdown)?;
    projectors.run(Orders);
    projectors.run(Journal);
    projectors.run(CustomerTotals);
    Ok(projectors.until_shutdown().await?)
}
