//! The command API of {{plural_words}}: accepts commands over HTTP and through Kafka, and writes their events to Kafka.

mod routes;
mod schemas;

use axum::http::StatusCode;
use command_service::{Context, Settings, Startup, router};
use service_kit::{Start, http, start};
use {{context}}_domain::{{Aggregate}};

const CONTEXT: Context = Context {
    name: "{{context}}",
    http_port: {{command_port}},
    admin_port: {{command_admin_port}},
    events: schemas::EVENTS,
    commands: schemas::COMMANDS,
    refusals: include_str!("../../domain/refusals.md"),
    refusal_statuses: &[
        ("{{code}}-not-found", StatusCode::NOT_FOUND),
        ("{{code}}-already-exists", StatusCode::CONFLICT),
    ],
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Start { settings, health, shutdown } =
        start(&CONTEXT.admin_address(), |environment| Settings::read(environment, &CONTEXT)).await?;

    let listener = settings.http.listen().await?;
    let startup = Startup::<{{Aggregate}}>::begin(&CONTEXT, &settings, &health, &shutdown);
    let router = router(routes::commands(), &startup);
    http::serve(router, listener, &settings.http.limits, startup.handed_over()).await;
    Ok(startup.finish().await?)
}
