//! The command API of orders: commands in, over HTTP or through Kafka; events in Kafka out.

mod answer;
mod forwarding;
mod idempotency;
mod later;
mod opening;
mod outcomes;
mod partitions;
mod problems;
mod routes;
mod schemas;
mod settings;
mod submission;

use service_kit::{Start, http, start};

use crate::{opening::Startup, settings::Settings};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Start { settings, health, shutdown } = start("127.0.0.1:9101", Settings::read).await?;

    let listener = settings.http.listen().await?;
    let opening = Startup::begin(&settings, &health, &shutdown);
    let router = routes::router(&opening, &settings);
    http::serve(router, listener, &settings.http.limits, opening.handed_over()).await;
    opening.finish().await
}
