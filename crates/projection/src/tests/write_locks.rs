//! Projectors that write to one generation concurrently, on a real Postgres.

use std::time::Duration;

use aggregate::Version;
use sqlx::{PgConnection, postgres::PgConnectOptions};
use test_kit::eventually;

use super::{Ticked, Ticks, connect, database, target, tick};
use crate::ProjectionError;
use crate::projector::{
    batch::Batch,
    checkpoint::{self, Advance, Checkpoints},
    write::{WriteLock, Writer, begin},
};

/// The number of connections that wait for the transaction of another projector.
const WAITING: &str = "
    SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
     WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted";

/// Claims partition 0, and writes one event of each of three aggregates.
async fn write(connection: &mut PgConnection) -> Result<Batch<Ticked>, ProjectionError> {
    let claimed = checkpoint::claim(connection, &target(), &[0]).await?;
    let mut batch = Batch::new();
    for (sequence, aggregate) in (1..).zip(["a", "b", "c"]) {
        let recorded = tick(aggregate, 1, sequence);
        let reached = batch.checkpoint_after(claimed[&0], &recorded)?;
        batch.push(recorded.into(), Ticked {}, Version::NONE);
        batch.move_checkpoint(0, reached, None);
    }
    let mut writer =
        Writer { connection, target: &target(), projection: &Ticks, limit: Duration::from_mins(1) };
    writer.write(&claimed, &mut batch).await?;
    Ok(batch)
}

/// Claims partition 1, like another projector.
async fn claim_partition_1(other: &mut PgConnection) -> Checkpoints {
    checkpoint::claim(other, &target(), &[1]).await.unwrap()
}

async fn count(options: &PgConnectOptions, query: &str) -> i64 {
    sqlx::query_scalar(query).fetch_one(&mut connect(options).await).await.unwrap()
}

#[tokio::test]
async fn batches_are_written_concurrently() {
    let options = database().await;
    let mut other = connect(&options).await;
    let claimed = claim_partition_1(&mut other).await;
    let nowhere = Advance { target: &target(), from: &claimed, to: &claimed };
    let open = begin(&mut other, WriteLock::Shared, nowhere).await.unwrap();
    write(&mut connect(&options).await).await.unwrap();
    open.commit().await.unwrap();
    assert_eq!(count(&options, "SELECT count(*) FROM ticks").await, 3);
}

#[tokio::test]
async fn a_batch_with_a_refused_event_is_written_exclusively() {
    let options = database().await;
    let refuse_one = "ALTER TABLE ticks ADD CHECK (log_offset <> 4)";
    sqlx::query(refuse_one).execute(&mut connect(&options).await).await.unwrap();
    let mut other = connect(&options).await;
    let claimed = claim_partition_1(&mut other).await;
    let nowhere = Advance { target: &target(), from: &claimed, to: &claimed };
    let open = begin(&mut other, WriteLock::Shared, nowhere).await.unwrap();

    let options_of_writer = options.clone();
    let written = tokio::spawn(async move { write(&mut connect(&options_of_writer).await).await });
    eventually("the batch waits", async || count(&options, WAITING).await == 1).await;
    open.commit().await.unwrap();
    let batch = written.await.unwrap().unwrap();
    assert_eq!((batch.refused().len(), count(&options, "SELECT count(*) FROM ticks").await), (1, 2));
}
