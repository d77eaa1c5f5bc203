//! Projectors of one generation that write at the same time, on a real Postgres.

use std::time::Duration;

use aggregate::Version;
use sqlx::{PgConnection, postgres::PgConnectOptions};
use test_kit::eventually;

use super::{Ticked, Ticks, connect, database, target, tick};
use crate::ProjectionError;
use crate::projector::{
    batch::Batch,
    checkpoint::{self, Checkpoints},
    write::{Turn, Writer, begin},
};

/// Waits for a transaction of another projector.
const WAITING: &str = "
    SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
     WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted";

/// Writes an event of each of three aggregates into partition 0.
async fn write(connection: &mut PgConnection) -> Result<Batch<Ticked>, ProjectionError> {
    let claimed = checkpoint::claim(connection, &target(), &[0]).await?;
    let mut batch = Batch::new();
    for (sequence, aggregate) in (1..).zip(["a", "b", "c"]) {
        let recorded = tick(aggregate, 1, sequence);
        let reached = batch.after(claimed[&0], &recorded)?;
        batch.push(recorded, Ticked {}, Version::NONE);
        batch.reach(0, reached, None);
    }
    let mut writer =
        Writer { connection, target: &target(), projection: &Ticks, limit: Duration::from_mins(1) };
    writer.write(&claimed, &mut batch).await?;
    Ok(batch)
}

/// Takes partition 1, for another projector.
async fn claim_the_other(other: &mut PgConnection) -> Checkpoints {
    checkpoint::claim(other, &target(), &[1]).await.unwrap()
}

async fn ask(options: &PgConnectOptions, question: &str) -> i64 {
    sqlx::query_scalar(question).fetch_one(&mut connect(options).await).await.unwrap()
}

#[tokio::test]
async fn batches_are_written_beside_each_other() {
    let options = database().await;
    let mut other = connect(&options).await;
    let claimed = claim_the_other(&mut other).await;
    let open = begin(&mut other, &target(), Turn::Shared, &claimed, &claimed).await.unwrap();
    write(&mut connect(&options).await).await.unwrap();
    open.commit().await.unwrap();
    assert_eq!(ask(&options, "SELECT count(*) FROM ticks").await, 3);
}

#[tokio::test]
async fn a_batch_in_pieces_locks_rows_in_any_order_so_it_is_written_alone() {
    let options = database().await;
    let refusing = "ALTER TABLE ticks ADD CHECK (log_offset <> 4)";
    sqlx::query(refusing).execute(&mut connect(&options).await).await.unwrap();
    let mut other = connect(&options).await;
    let claimed = claim_the_other(&mut other).await;
    let open = begin(&mut other, &target(), Turn::Shared, &claimed, &claimed).await.unwrap();

    let there = options.clone();
    let written = tokio::spawn(async move { write(&mut connect(&there).await).await });
    eventually("the pieces wait", async || ask(&options, WAITING).await == 1).await;
    open.commit().await.unwrap();
    let batch = written.await.unwrap().unwrap();
    assert_eq!((batch.refused().len(), ask(&options, "SELECT count(*) FROM ticks").await), (1, 2));
}
