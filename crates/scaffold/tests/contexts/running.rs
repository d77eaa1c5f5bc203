//! A new context compiles, passes its tests, and answers requests.

use sqlx::{Connection, PgConnection, raw_sql};
use test_kit::Servers;

use crate::copy::Copy;

/// The packages of the new context.
const PACKAGES: &str = "--package bookings-domain --package bookings-command-api --package bookings-projector \
    --package bookings-query-api";

/// The test of the context sends commands over HTTP, queries the result with the token, and rebuilds the projection.
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

/// Creates the users of the new context, because the running stack would do so only at its next start.
async fn add_users(copy: &Copy) {
    let users = std::fs::read_to_string(copy.root.join("deploy/postgres/users.sql")).unwrap();
    let server = Servers::shared().database_server_url;
    let mut postgres = PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
    let (create_users, _) = users.split_once("REVOKE ").unwrap();
    raw_sql(create_users).execute(&mut postgres).await.unwrap();
}
