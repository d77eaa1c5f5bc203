//! Late, duplicate and superseded projectors, and databases restored to an older state: the rows stay the fold of the
//! log.

use std::time::Duration;

use projection::{
    ProjectorSettings,
    kit::{Running, batches_of},
};
use test_kit::{TestEnvironment, eventually};

use crate::{
    environment::prepared,
    expected::{expected, rows},
    log::{Log, accounts, log_of},
    running::start,
};

/// Terminates every other connection to the database.
const CUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()";

/// Terminates the connections that wait for a lock.
const CUT_WAITING: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                            WHERE datname = current_database() AND wait_event_type = 'Lock'";

/// Saves the state that a Postgres restored from a backup would have.
const SAVE: &str = "
    CREATE SCHEMA older;
    CREATE TABLE older.accounts AS TABLE accounts;
    CREATE TABLE older.deposits AS TABLE deposits;
    CREATE TABLE older.checkpoint AS TABLE checkpoint";

/// Restores the saved state.
const RESTORE: &str = "
    BEGIN;
    LOCK checkpoint;
    TRUNCATE accounts, deposits;
    INSERT INTO accounts TABLE older.accounts;
    INSERT INTO deposits TABLE older.deposits;
    UPDATE checkpoint
       SET (next_offset, epoch, sequence, owner_epoch) = (old.next_offset, old.epoch, old.sequence, old.owner_epoch)
      FROM older.checkpoint AS old
     WHERE checkpoint.partition = old.partition;
    COMMIT";

#[tokio::test(flavor = "multi_thread")]
async fn a_superseded_projector_claims_again_and_continues() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    log.append_new(accounts(10)).await;
    let running = start(&environment, "superseded", batches_of(500));
    running.until_applied(log.events()).await;

    running.execute_sql("UPDATE checkpoint SET epoch = epoch + 1").await;
    log.append_new(accounts(10)).await;
    running.until_applied(log.events()).await;
    assert_eq!(rows(&environment).await, expected(&log));
    running.end().await;
}

/// A projector whose Postgres was restored to an older state, and the log that it had applied beyond that state.
async fn with_an_older_state(environment: &TestEnvironment) -> (Log, Running) {
    let mut log = log_of(environment).await;
    log.append_new(accounts(30)).await;
    let running = start(environment, "older", batches_of(7));
    running.until_applied(log.events()).await;
    running.execute_sql(SAVE).await;
    log.append_new(accounts(30)).await;
    running.until_applied(log.events()).await;
    running.execute_sql(RESTORE).await;
    (log, running)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_batch_detects_that_postgres_is_in_an_older_state() {
    let environment = prepared().await;
    let (mut log, running) = with_an_older_state(&environment).await;
    log.append_new(accounts(30)).await;
    running.until_applied(log.events()).await;
    assert_eq!(rows(&environment).await, expected(&log));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_projector_folds_again_if_postgres_returns_in_an_older_state() {
    let environment = prepared().await;
    let (log, running) = with_an_older_state(&environment).await;
    running.execute_sql(CUT).await;
    running.until_applied(log.events()).await;
    assert_eq!(rows(&environment).await, expected(&log));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_lost_in_the_middle_of_a_batch_loses_nothing() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    log.append_new(accounts(20)).await;
    let running = start(&environment, "cut", batches_of(3));
    running.until_applied(log.events()).await;
    for _ in 0..5 {
        // The next batch waits for the checkpoint in the middle of its transaction.
        let holder = running.hold_checkpoints().await;
        log.append_new(accounts(20)).await;
        running.until_batch_is_blocked().await;
        running.execute_sql(CUT_WAITING).await;
        holder.release().await;
        running.until_applied(log.events()).await;
    }
    assert_eq!(rows(&environment).await, expected(&log));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zombie_with_a_batch_in_flight_writes_nothing() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    log.append_new(accounts(20)).await;
    // Its batch must outlast the claim of the partitions.
    let long_timeout = ProjectorSettings { transaction_timeout: Duration::from_mins(1), ..batches_of(5) };
    let zombie = start(&environment, "zombie", long_timeout.clone());
    zombie.until_applied(log.events()).await;

    let mut holder = zombie.hold_checkpoints().await;
    log.append_new(accounts(20)).await;
    zombie.until_batch_is_blocked().await;
    // Meanwhile a projector outside the group claims the partitions.
    holder.claim().await;
    holder.release().await;
    // The batch in flight is refused, so the zombie claims again. That is the third claim.
    eventually("the zombie claims again", || async { zombie.claims().await >= 3 }).await;
    let successor = start(&environment, "successor", long_timeout);
    successor.until_applied(log.events()).await;
    assert_eq!(rows(&environment).await, expected(&log));
    zombie.end().await;
    successor.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_keep_moving_lose_and_repeat_nothing() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    let stays = start(&environment, "moving", batches_of(5));
    for _ in 0..6 {
        let comes_and_goes = start(&environment, "moving", batches_of(5));
        log.append_new(accounts(60)).await;
        comes_and_goes.until_ready().await;
        log.append_new(accounts(60)).await;
        comes_and_goes.end().await;
    }
    stays.until_applied(log.events()).await;
    assert_eq!(rows(&environment).await, expected(&log));
    stays.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_projector_notices_that_postgres_is_gone() {
    let environment = prepared().await;
    let running = start(&environment, "gone", ProjectorSettings::default());
    running.until_ready().await;
    running.close_database(true).await;
    eventually("the projector reports that Postgres is gone", || async {
        !running.is_ready() && running.state().contains("postgres")
    })
    .await;
    running.close_database(false).await;
    running.until_ready().await;
    running.end().await;
}
