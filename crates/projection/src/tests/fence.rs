use std::{sync::Arc, time::Duration};

use aggregate::Version;
use sqlx::postgres::PgConnectOptions;
use tokio::{runtime::Handle, task::spawn_blocking};

use super::{Ticked, Ticks, connect, database, target, tick};
use crate::ProjectionError;
use crate::projector::{
    batch::Batch, checkpoint::Checkpoints, database::Database, shared_transactions::SharedTransactions,
};

/// Runs `work` on a thread that may block, like that of a projector.
async fn on_blocking_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    spawn_blocking(work).await.unwrap()
}

fn open(options: &PgConnectOptions) -> Database {
    let limit = Duration::from_secs(10);
    let shared = SharedTransactions::new(options, limit, Duration::ZERO);
    Database::open(options, &shared, target(), &Handle::current(), limit).unwrap()
}

/// Writes the events with these sequence numbers in one batch.
fn write(
    database: &mut Database,
    claimed: &Checkpoints,
    sequences: std::ops::RangeInclusive<u64>,
) -> Result<Checkpoints, ProjectionError> {
    let mut batch = Batch::new();
    for sequence in sequences {
        let (recorded, before) = (tick("a", sequence, sequence), Version(sequence - 1));
        let reached = batch.checkpoint_after(claimed[&0], &recorded)?;
        batch.push(recorded.into(), Ticked {}, before);
        batch.move_checkpoint(0, reached, None);
    }
    let writing = database.begin(&Arc::new(Ticks), claimed.clone(), batch);
    Ok(database.finish(writing)?.batch.reached().clone())
}

fn execute_sql(database: &mut Database, statement: &'static str) {
    let changed = database.run(async |connection, _| Ok(sqlx::query(statement).execute(connection).await?));
    changed.unwrap();
}

async fn rows(options: &PgConnectOptions) -> i64 {
    let mut connection = connect(options).await;
    sqlx::query_scalar("SELECT count(*) FROM ticks").fetch_one(&mut connection).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_batch_uses_generic_plans_and_a_large_one_custom_plans() {
    let options = database().await;
    let thread_options = options.clone();
    on_blocking_thread(move || {
        let mut database = open(&thread_options);
        let claimed = database.claim(&[0]).unwrap();
        let few = write(&mut database, &claimed, 1..=3).unwrap();
        let many = write(&mut database, &few, 4..=103).unwrap();
        write(&mut database, &many, 104..=104).unwrap();
    })
    .await;
    let mut connection = connect(&options).await;
    let plans = "SELECT planning, count(*) FROM ticks GROUP BY planning ORDER BY planning";
    let plans: Vec<(String, i64)> = sqlx::query_as(plans).fetch_all(&mut connection).await.unwrap();
    assert_eq!(plans, [("force_custom_plan".to_owned(), 100), ("force_generic_plan".to_owned(), 4)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_continues_after_the_last_written_batch() {
    let options = database().await;
    let thread_options = options.clone();
    on_blocking_thread(move || {
        let mut database = open(&thread_options);
        let claimed = database.claim(&[0]).unwrap();
        assert_eq!((claimed[&0].next_offset, claimed[&0].epoch), (0, 1));
        write(&mut database, &claimed, 1..=3).unwrap();

        let again = database.claim(&[0, 1]).unwrap();
        assert_eq!((again[&0].next_offset, again[&0].epoch), (7, 2));
        assert_eq!((again[&0].continuity.sequence, again[&0].continuity.epoch), (3, 1));
        assert_eq!((again[&1].next_offset, again[&1].epoch), (0, 1));
        write(&mut database, &again, 4..=5).unwrap();
    })
    .await;
    assert_eq!(rows(&options).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_batch_of_a_fenced_projector_is_rolled_back() {
    let options = database().await;
    let thread_options = options.clone();
    on_blocking_thread(move || {
        let (mut zombie, mut successor) = (open(&thread_options), open(&thread_options));
        let stale = zombie.claim(&[0]).unwrap();
        let claimed = successor.claim(&[0]).unwrap();
        let refused = write(&mut zombie, &stale, 1..=3);
        assert!(matches!(refused, Err(ProjectionError::Superseded { .. })));
        write(&mut successor, &claimed, 1..=2).unwrap();
    })
    .await;
    assert_eq!(rows(&options).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_was_already_written_is_rolled_back() {
    let options = database().await;
    let thread_options = options.clone();
    on_blocking_thread(move || {
        let mut database = open(&thread_options);
        let claimed = database.claim(&[0]).unwrap();
        write(&mut database, &claimed, 1..=3).unwrap();
        let repeated = write(&mut database, &claimed, 1..=3);
        assert!(matches!(repeated, Err(ProjectionError::Superseded { .. })));
    })
    .await;
    assert_eq!(rows(&options).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_checkpoint_does_not_move_if_the_rows_cannot_be_written() {
    let options = database().await;
    let thread_options = options.clone();
    on_blocking_thread(move || {
        let mut database = open(&thread_options);
        let claimed = database.claim(&[0]).unwrap();
        write(&mut database, &claimed, 1..=1).unwrap();
        execute_sql(&mut database, "ALTER TABLE ticks RENAME TO elsewhere");
        let claimed = database.claim(&[0]).unwrap();
        assert!(matches!(write(&mut database, &claimed, 2..=2), Err(ProjectionError::Postgres(_))));
        let mut database = open(&thread_options);
        execute_sql(&mut database, "ALTER TABLE elsewhere RENAME TO ticks");
        let checkpoint = database.claim(&[0]).unwrap()[&0];
        assert_eq!((checkpoint.next_offset, checkpoint.continuity.sequence), (3, 1));
    })
    .await;
    assert_eq!(rows(&options).await, 1);
}
