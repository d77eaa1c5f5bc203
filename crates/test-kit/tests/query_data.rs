//! The committed query data, which the compiler uses to check SQL without a database, matches the migrated databases.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use sqlx::{Column, Either, Executor, PgConnection, Postgres, TypeInfo, postgres::PgConnectOptions};
use test_kit::{TestEnvironment, files_in, repository};

/// A file in a folder `.sqlx`, as sqlx writes it.
#[derive(Deserialize)]
struct QueryData {
    query: String,
    describe: Description,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Description {
    columns: Vec<ColumnData>,
    parameters: Parameters,
    nullable: Vec<Option<bool>>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct ColumnData {
    name: String,
    type_info: String,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Parameters {
    #[serde(rename = "Left")]
    types: Vec<String>,
}

impl From<sqlx::Describe<Postgres>> for Description {
    fn from(description: sqlx::Describe<Postgres>) -> Self {
        let column = |column: &sqlx::postgres::PgColumn| ColumnData {
            name: column.name().to_owned(),
            type_info: column.type_info().name().to_owned(),
        };
        let types = match description.parameters() {
            Some(Either::Left(types)) => types.iter().map(|info| info.name().to_owned()).collect(),
            Some(Either::Right(_)) | None => Vec::new(),
        };
        Self {
            columns: description.columns.iter().map(column).collect(),
            parameters: Parameters { types },
            nullable: description.nullable,
        }
    }
}

impl Description {
    /// Uses Postgres's type names where sqlx has its own: `TEXT[]` for `TextArray`.
    fn with_postgres_names(mut self) -> Self {
        let columns = self.columns.iter_mut().map(|column| &mut column.type_info);
        for name in columns.chain(&mut self.parameters.types) {
            *name = name.replace("Array", "[]").to_uppercase();
        }
        self
    }
}

/// The packages that have query data.
fn packages() -> Vec<PathBuf> {
    let folders = |pattern: &Path| fs::read_dir(pattern).unwrap().map(|entry| entry.unwrap().path());
    let services = folders(&repository().join("services")).filter(|path| path.is_dir());
    let packages =
        folders(&repository().join("crates")).chain(services.flat_map(|service| folders(&service)));
    packages.filter(|package| package.join(".sqlx").is_dir()).collect()
}

/// The database of a package: that of its context, or one with only the platform's tables.
fn database(package: &Path) -> String {
    let path = package.strip_prefix(repository()).unwrap();
    let mut names = path.iter().map(|name| name.to_str().unwrap());
    match (names.next(), names.next()) {
        (Some("services"), Some(context)) => format!("{context}_read"),
        _ => "platform_read".to_owned(),
    }
}

fn queries(package: &Path) -> Vec<QueryData> {
    let files = files_in(&package.join(".sqlx")).into_iter();
    files.map(|file| serde_json::from_slice(&fs::read(file).unwrap()).unwrap()).collect()
}

/// All sources of a package, without whitespace and backslashes, since the layout of SQL varies.
fn sources(package: &Path) -> String {
    let sources =
        files_in(package).into_iter().filter(|path| path.extension().is_some_and(|kind| kind == "rs"));
    sources.map(|path| without_layout(&fs::read_to_string(path).unwrap())).collect()
}

fn without_layout(text: &str) -> String {
    text.replace(|character: char| character.is_whitespace() || character == '\\', "")
}

#[tokio::test]
async fn query_data_matches_the_migrated_databases() {
    let environment = TestEnvironment::prepared();
    environment.platform_databases();
    let mut stale = Vec::new();
    for package in packages() {
        let url: PgConnectOptions = environment.database_url(&database(&package)).parse().unwrap();
        let mut connection: PgConnection = sqlx::Connection::connect_with(&url).await.unwrap();
        for QueryData { query, describe } in queries(&package) {
            let current = connection.describe(&query).await.map(Description::from);
            if !current.as_ref().is_ok_and(|current| *current == describe.with_postgres_names()) {
                stale.push(format!("{}: {query}\n{current:?}", package.display()));
            }
        }
    }
    assert!(stale.is_empty(), "run `make sqlx` and commit what it writes:\n{}", stale.join("\n"));
}

#[test]
fn a_removed_query_has_no_query_data() {
    for package in packages() {
        let sources = sources(&package);
        for QueryData { query, .. } in queries(&package) {
            assert!(sources.contains(&without_layout(&query)), "{}: {query}", package.display());
        }
    }
}
