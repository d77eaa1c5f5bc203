//! What the migrations leave behind, on the real Postgres: who may do what, and what the databases say of themselves.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![allow(clippy::disallowed_methods, reason = "a test may block its thread")]

mod comments;
mod grants;
mod statements;

use sqlx::{Connection, PgConnection};
use test_kit::TestEnvironment;

/// The databases of an installation.
fn migrated() -> TestEnvironment {
    let environment = TestEnvironment::empty();
    environment.foldline("migrations apply");
    environment
}

/// The names of all databases: the folders of `migrations/`.
fn databases() -> Vec<String> {
    let folders = std::fs::read_dir(test_kit::repository().join("migrations")).unwrap();
    folders.map(|folder| folder.unwrap().file_name().into_string().unwrap()).collect()
}

async fn connect(environment: &TestEnvironment, user: &str, database: &str) -> PgConnection {
    PgConnection::connect(&environment.database_url_as(user, database)).await.unwrap()
}
