//! The command API of orders: takes commands over HTTP and through Kafka, and writes their events to Kafka.

mod routes;
mod schemas;

use axum::http::StatusCode;
use command_service::{Context, Settings, Startup, router};
use orders_domain::Order;
use service_kit::{Start, http, start};

const ORDERS: Context = Context {
    name: "orders",
    http_port: 8101,
    admin_port: 9101,
    events: schemas::EVENTS,
    commands: schemas::COMMANDS,
    refusals: include_str!("../../domain/refusals.md"),
    refusal_statuses: &[
        ("order-not-found", StatusCode::NOT_FOUND),
        ("order-already-placed", StatusCode::CONFLICT),
    ],
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Start { settings, health, shutdown } =
        start(&ORDERS.admin_address(), |environment| Settings::read(environment, &ORDERS)).await?;

    let listener = settings.http.listen().await?;
    let startup = Startup::<Order>::begin(&ORDERS, &settings, &health, &shutdown);
    let router = router(routes::commands(), &startup);
    http::serve(router, listener, &settings.http.limits, startup.handed_over()).await;
    Ok(startup.finish().await?)
}
