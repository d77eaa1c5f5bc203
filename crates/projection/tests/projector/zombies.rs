//! A projector that comes late, twice or from the past: the rows stay the fold of the log.

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

/// Ends every connection to the database but the one that asks.
const CUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()";

/// Ends the connections that wait for a lock.
const CUT_WAITING: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                            WHERE datname = current_database() AND wait_event_type = 'Lock'";

/// Keeps what Postgres would have after it lost its last moments.
const REMEMBER: &str = "
    CREATE SCHEMA older;
    CREATE TABLE older.accounts AS TABLE accounts;
    CREATE TABLE older.deposits AS TABLE deposits;
    CREATE TABLE older.checkpoint AS TABLE checkpoint";

/// Puts it back.
const FALL_BACK: &str = "
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
async fn who_is_superseded_claims_anew_and_goes_on() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    log.append_new(accounts(10)).await;
    let running = start(&environment, "superseded", batches_of(500));
    running.until_applied(log.events()).await;

    running.meddle("UPDATE checkpoint SET epoch = epoch + 1").await;
    log.append_new(accounts(10)).await;
    running.until_applied(log.events()).await;
    assert_eq!(rows(&environment).await, expected(&log));
    running.end().await;
}

/// A projector whose Postgres has an older state, and the log that it has applied beyond that.
async fn with_an_older_state(environment: &TestEnvironment) -> (Log, Running) {
    let mut log = log_of(environment).await;
    log.append_new(accounts(30)).await;
    let running = start(environment, "older", batches_of(7));
    running.until_applied(log.events()).await;
    running.meddle(REMEMBER).await;
    log.append_new(accounts(30)).await;
    running.until_applied(log.events()).await;
    running.meddle(FALL_BACK).await;
    (log, running)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_in_an_older_state_is_noticed_by_the_next_batch() {
    let environment = prepared().await;
    let (mut log, running) = with_an_older_state(&environment).await;
    log.append_new(accounts(30)).await;
    running.until_applied(log.events()).await;
    assert_eq!(rows(&environment).await, expected(&log));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_projector_whose_postgres_comes_back_in_an_older_state_folds_again() {
    let environment = prepared().await;
    let (log, running) = with_an_older_state(&environment).await;
    running.meddle(CUT).await;
    running.until_applied(log.events()).await;
    assert_eq!(rows(&environment).await, expected(&log));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_in_the_middle_of_a_batch_costs_nothing() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    log.append_new(accounts(20)).await;
    let running = start(&environment, "cut", batches_of(3));
    running.until_applied(log.events()).await;
    for _ in 0..5 {
        // Its next batch waits for the checkpoint, in the middle of its transaction.
        let holder = running.hold_checkpoints().await;
        log.append_new(accounts(20)).await;
        running.until_it_waits().await;
        running.meddle(CUT_WAITING).await;
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
    // It waits longer than anybody claims.
    let patient = ProjectorSettings { transaction_timeout: Duration::from_mins(1), ..batches_of(5) };
    let zombie = start(&environment, "zombie", patient.clone());
    zombie.until_applied(log.events()).await;

    let mut holder = zombie.hold_checkpoints().await;
    log.append_new(accounts(20)).await;
    zombie.until_it_waits().await;
    // Somebody who knows nothing of the group claims the partitions meanwhile.
    holder.claim().await;
    holder.release().await;
    // What was in flight is refused, so it claims in its turn: for the third time in all.
    eventually("the zombie claims anew", || async { zombie.claims().await >= 3 }).await;
    let heir = start(&environment, "heir", patient);
    heir.until_applied(log.events()).await;
    assert_eq!(rows(&environment).await, expected(&log));
    zombie.end().await;
    heir.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_move_all_the_time_lose_and_repeat_nothing() {
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
    eventually("it says so", || async { !running.is_ready() && running.state().contains("postgres") }).await;
    running.close_database(false).await;
    running.until_ready().await;
    running.end().await;
}
