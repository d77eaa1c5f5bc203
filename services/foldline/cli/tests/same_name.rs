//! Several databases may have projections with the same name.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![allow(clippy::disallowed_methods, reason = "a test may block its thread")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use test_kit::TestEnvironment;
use uuid::Uuid;

const DATABASES: [&str; 2] = ["one_read", "other_read"];

/// A temporary folder with migrations for both databases.
struct Migrations(PathBuf);

impl Migrations {
    fn create() -> Self {
        let folder = std::env::temp_dir().join(Uuid::now_v7().to_string());
        let original = test_kit::repository().join("migrations/orders_read");
        for database in DATABASES {
            copy(&original, &folder.join(database));
        }
        Self(folder)
    }
}

impl Drop for Migrations {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

fn run(environment: &TestEnvironment, migrations: &Migrations, arguments: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_foldline"))
        .args(arguments.split(' '))
        .current_dir(test_kit::repository())
        .env("FOLDLINE_DATABASE_SERVER_URL", &environment.servers.database_server_url)
        .env("FOLDLINE_DATABASE_PREFIX", &environment.database_prefix)
        .env("FOLDLINE_MIGRATIONS_DIR", &migrations.0)
        .output()
        .unwrap()
}

#[tokio::test]
async fn a_projection_of_several_databases_must_be_selected_with_its_database() {
    let (environment, migrations) = (TestEnvironment::empty(), Migrations::create());
    let migrated = run(&environment, &migrations, "migrations apply");
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    for database in DATABASES {
        let mut connection = PgConnection::connect(&environment.database_url(database)).await.unwrap();
        let live = "INSERT INTO projection_generation VALUES ('orders', 1, 1, 'live')";
        sqlx::query(live).execute(&mut connection).await.unwrap();
    }

    let pause = "projections pause orders --generation 1";
    let refused = run(&environment, &migrations, pause);
    assert_eq!(refused.status.code(), Some(1));
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(error.contains("several databases have a projection orders: one_read, other_read"), "{error}");
    assert!(error.contains("hint: choose one of them, such as `--database one_read`"), "{error}");

    let paused = run(&environment, &migrations, &format!("{pause} --database other_read"));
    assert!(paused.status.success(), "{}", String::from_utf8_lossy(&paused.stderr));
    let listed = run(&environment, &migrations, "projections list --output json").stdout;
    let rows: Vec<Value> =
        String::from_utf8(listed).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let paused: Vec<_> = rows.iter().map(|row| [&row["database"], &row["paused"]]).collect();
    assert_eq!(json!(paused), json!([["one_read", false], ["other_read", true]]));
}
