//! The projector of orders: their events in Kafka become the tables of each projection. Each has a folder of its own.

mod column;
mod customer_totals;
mod order_id;
mod order_journal;
mod orders;
mod settings;
#[cfg(test)]
mod tests;

use std::time::Duration;

use event_log::Registry;
use projection::Projectors;
use service_kit::{Start, shutdown::within, start};
use tokio::task::JoinSet;

use crate::{
    customer_totals::CustomerTotals, order_journal::OrderJournal, orders::Orders, settings::Settings,
};

/// How long the batches in hand may take when the service ends.
const DRAIN: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Start { settings, health, shutdown } = start("127.0.0.1:9103", Settings::read).await?;

    let projectors = Projectors {
        service: "orders-projector".to_owned(),
        topics: settings.topics,
        client: settings.client,
        registry: Registry::new(&settings.registry_url)?,
        database: settings.database,
        settings: settings.projector,
        health,
        shutdown: shutdown.clone(),
    };
    let mut projections = JoinSet::new();
    projections.spawn(projectors.run(Orders));
    projections.spawn(projectors.run(OrderJournal));
    projections.spawn(projectors.run(CustomerTotals));

    tokio::select! {
        biased;
        () = shutdown.cancelled() => {}
        Some(ended) = projections.join_next() => return Ok(ended??),
    }
    within(DRAIN, "the projections", projections.join_all()).await;
    Ok(())
}
