//! The databases after all migrations, on a real Postgres: privileges and comments.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![allow(clippy::disallowed_methods, reason = "a test may block its thread")]

mod comments;
mod grants;
mod statements;

use sqlx::{Connection, PgConnection};
use test_kit::TestEnvironment;

/// An environment whose databases have been migrated.
fn migrated() -> TestEnvironment {
    let environment = TestEnvironment::empty();
    environment.foldline("migrations apply");
    environment
}

/// The names of all databases, without the environment's prefix.
async fn databases(environment: &TestEnvironment) -> Vec<String> {
    let mut connection = connect(environment, "migrator", "orders_read").await;
    sqlx::query_scalar(
        "SELECT substr(datname, length($1) + 1) FROM pg_database WHERE starts_with(datname, $1)",
    )
    .bind(&environment.database_prefix)
    .fetch_all(&mut connection)
    .await
    .unwrap()
}

async fn connect(environment: &TestEnvironment, user: &str, database: &str) -> PgConnection {
    PgConnection::connect(&environment.database_url_as(user, database)).await.unwrap()
}
