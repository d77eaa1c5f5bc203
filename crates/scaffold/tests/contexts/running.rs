//! A new context as its author first sees it: it compiles, passes its tests, and answers.

use sqlx::{Connection, PgConnection, raw_sql};
use test_kit::Servers;

use crate::copy::Copy;

/// The packages of the new context.
const PACKAGES: &str = "--package bookings-domain --package bookings-command-api --package bookings-projector \
    --package bookings-query-api";

/// Its own test places a command over HTTP, reads it back with its token, and rebuilds the projection.
#[tokio::test]
async fn a_new_context_compiles_and_passes_its_tests() {
    let copy = Copy::to_compile();
    copy.must_scaffold(&["new", "bookings", "Booking"]);
    add_users(&copy).await;
    copy.cargo("fmt --all --check");
    copy.cargo(&format!("clippy --offline {PACKAGES} --all-targets -- --deny warnings"));
    copy.cargo(&format!("build --offline {PACKAGES} --package foldline --bins"));
    copy.cargo(&format!("test --offline {PACKAGES}"));
}

/// The stack of a new context creates its users at the next start; this stack is running already.
async fn add_users(copy: &Copy) {
    let users = std::fs::read_to_string(copy.root.join("deploy/postgres/users.sql")).unwrap();
    let server = Servers::shared().database_server_url;
    let mut postgres = PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
    let (create_users, _) = users.split_once("\n\n-- Only the registry").unwrap();
    raw_sql(create_users).execute(&mut postgres).await.unwrap();
}
