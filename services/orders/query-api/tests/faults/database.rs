//! The content of the read model's database.

use serde_json::Value;
use sqlx::{Connection, PgConnection};
use test_kit::{
    TestEnvironment,
    read_history::{LoggedRecord, Model, Offsets, ParkedRecord, Row},
};

use crate::{
    model::of_rows,
    tables::{TABLES, Table},
};

pub(crate) async fn connect(environment: &TestEnvironment) -> PgConnection {
    try_connect(environment).await.unwrap()
}

async fn try_connect(environment: &TestEnvironment) -> sqlx::Result<PgConnection> {
    PgConnection::connect(&environment.database_url("orders_read")).await
}

/// The orders in the live tables.
pub(crate) async fn model(environment: &TestEnvironment) -> Model {
    of_rows(&mut connect(environment).await).await
}

/// The rows in the live tables of another projection.
pub(crate) async fn rows(environment: &TestEnvironment, projection: &str) -> Vec<Row> {
    let mut connection = connect(environment).await;
    let mut all = Vec::new();
    for table in TABLES.iter().filter(|table| table.projection == projection) {
        all.extend(rows_of(&mut connection, table).await);
    }
    all
}

async fn rows_of(connection: &mut PgConnection, table: &Table) -> Vec<Row> {
    let every_column = format!("SELECT to_jsonb(live) FROM {} AS live", table.name);
    let rows: Vec<Value> = sqlx::query_scalar(&every_column).fetch_all(connection).await.unwrap();
    rows.into_iter().map(|columns| table.row(columns)).collect()
}

/// The position of the live generation of a projection: the last offset it has seen, by partition. It returns errors,
/// since Postgres may be down.
pub(crate) async fn offsets(environment: &TestEnvironment, projection: &str) -> sqlx::Result<Offsets> {
    let rows: Vec<(i32, i64)> = sqlx::query_as(
        "SELECT partition, next_offset - 1
           FROM checkpoint JOIN projection_generation USING (projection, generation)
          WHERE state = 'live' AND projection = $1 AND next_offset > 0",
    )
    .bind(projection)
    .fetch_all(&mut try_connect(environment).await?)
    .await?;
    Ok(rows.into_iter().collect())
}

/// Terminates every other connection to the database.
pub(crate) async fn cut_connections(environment: &TestEnvironment) -> sqlx::Result<()> {
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()";
    sqlx::query(cut).execute(&mut try_connect(environment).await?).await?;
    Ok(())
}

/// The records that the live generation of a projection has parked, for each order in the order in which they would be
/// applied.
pub(crate) async fn parked(environment: &TestEnvironment, projection: &str) -> Vec<ParkedRecord> {
    type Row = (i32, i64, String, Vec<u8>, Option<String>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT partition, log_offset, convert_from(coalesce(key, ''), 'UTF8'), coalesce(payload, ''), reason
           FROM parked_event JOIN projection_generation USING (projection, generation)
          WHERE state = 'live' AND projection = $1
          ORDER BY partition, log_offset",
    )
    .bind(projection)
    .fetch_all(&mut connect(environment).await)
    .await
    .unwrap();
    rows.into_iter()
        .map(|(partition, offset, aggregate, payload, reason)| ParkedRecord {
            record: LoggedRecord { partition, offset, aggregate, payload },
            reason,
        })
        .collect()
}
