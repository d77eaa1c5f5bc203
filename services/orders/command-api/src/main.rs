//! The command API of orders: HTTP commands in, events in Kafka out.

mod answer;
mod idempotency;
mod opening;
mod problems;
mod routes;
mod schemas;
mod settings;
mod submission;

use service_kit::{Start, http, start};

use crate::{opening::Opening, settings::Settings};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Start { settings, health, shutdown } = start("127.0.0.1:9101", Settings::read).await?;

    let listener = settings.http.listen().await?;
    let opening = Opening::begin(&settings, &health, &shutdown);
    let router = routes::router(opening.orders(), settings.command_timeout);
    http::serve(router, listener, &settings.http.limits, shutdown).await;
    opening.finish().await
}
