//! An order service on `cqrs-es` and `postgres-es`, which `make bench-peers` compares with Foldline.
//!
//! It has the same routes, bodies, validation and rules as `orders-command-api`: it uses the same domain. Events, the
//! snapshots and the read model are stored as both crates provide for, without code of its own.

mod order;
mod routes;
mod settings;
mod view;

use std::sync::Arc;

use anyhow::Context as _;
use cqrs_es::persist::GenericQuery;
use mimalloc::MiMalloc;
use postgres_es::{PostgresCqrs, PostgresViewRepository, postgres_cqrs, postgres_snapshot_cqrs};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::net::TcpListener;

use crate::{order::Order, settings::Settings, view::OrderView};

// The services of Foldline use it too.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::read()?;
    let pool = connect(&settings).await?;
    sqlx::raw_sql(include_str!("schema.sql")).execute(&pool).await.context("the tables cannot be created")?;
    let router = routes::router(Arc::new(framework(pool, settings.snapshot_every)));
    let listener = TcpListener::bind(&settings.address).await?;
    Ok(axum::serve(listener, router).await?)
}

/// All connections are opened at the start and used without a ping, which would be a round trip for each statement.
async fn connect(settings: &Settings) -> anyhow::Result<PgPool> {
    let options = PgPoolOptions::new()
        .min_connections(settings.connections)
        .max_connections(settings.connections)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false);
    options.connect(&settings.database_url).await.context("Postgres cannot be reached")
}

fn framework(pool: PgPool, snapshot_every: usize) -> PostgresCqrs<Order> {
    let views = PostgresViewRepository::<OrderView, Order>::new("order_view", pool.clone());
    let mut query = GenericQuery::new(Arc::new(views));
    query.use_error_handler(Box::new(|error| eprintln!("an update of the read model is lost: {error}")));
    if snapshot_every == 0 {
        postgres_cqrs(pool, vec![Box::new(query)], ())
    } else {
        postgres_snapshot_cqrs(pool, vec![Box::new(query)], snapshot_every, ())
    }
}
