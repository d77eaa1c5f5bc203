//! The query API of orders: what the read model says, no older than the caller asks for.

mod answer;
mod changes;
mod cursor;
mod customer_id;
mod desk;
mod document;
mod moment;
mod parked;
mod past;
mod problems;
mod read_model;
mod routes;
mod settings;
mod wish;

use service_kit::{Start, http, start};

use crate::{desk::ReadState, settings::Settings};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Start { settings, health, shutdown } = start("127.0.0.1:9102", Settings::read).await?;

    let listener = settings.http.listen().await?;
    let router = routes::router(ReadState::open(&settings, &health, &shutdown));
    http::serve(router, listener, &settings.http.limits, shutdown).await;
    Ok(())
}
