//! The projector of orders: their events in Kafka become the tables `orders` and `order_lines`.

mod change;
mod orders;
mod rows;
mod settings;
#[cfg(test)]
mod tests;

use std::time::Duration;

use anyhow::Context;
use event_log::Registry;
use projection::{Projector, Source};
use service_kit::{Start, shutdown::within, start};

use crate::{orders::Orders, settings::Settings};

/// How long the batch in hand may take when the service ends.
const DRAIN: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Start { settings, health, shutdown } = start("127.0.0.1:9103", Settings::read).await?;

    let projector = Projector {
        projection: Orders,
        source: Source { projection: Orders::NAME.to_owned(), topic: settings.topics.events() },
        group: settings.topics.group("orders-projector"),
        client: settings.client,
        registry: Registry::new(&settings.registry_url)?,
        database: settings.database,
        settings: settings.projector,
        health: health.part("projection"),
        shutdown: shutdown.clone(),
    };
    let mut ended = projector.start()?;
    tokio::select! {
        () = shutdown.cancelled() => {}
        end = &mut ended => return end.context("the projector's thread panicked"),
    }
    within(DRAIN, "the projection", ended).await;
    Ok(())
}
