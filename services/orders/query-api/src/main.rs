//! The query API of orders: serves the read model over HTTP. A query can wait for a consistency token.

mod changes;
mod customer_id;
mod customer_totals;
mod document;
mod fold;
mod order;
mod orders;
mod reads;
mod routes;

use query_service::Settings;
use service_kit::{Start, http, start};

use crate::reads::Reads;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let read = |environment: &mut _| Settings::read(environment, "orders", "127.0.0.1:8102");
    let Start { settings, health, shutdown } = start("127.0.0.1:9102", read).await?;

    let listener = settings.http.listen().await?;
    let router = routes::router(Reads::follow(&settings, &health, &shutdown));
    http::serve(router, listener, &settings.http.limits, shutdown).await;
    Ok(())
}
