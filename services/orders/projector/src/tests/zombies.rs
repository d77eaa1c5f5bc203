//! Whoever comes late, twice or from the past: the rows stay the fold of the log.

use std::time::Duration;

use projection::ProjectorSettings;
use test_kit::{TestEnvironment, eventually};

use super::{Log, Running, batches_of, expected, rows};

/// Ends every connection to the database but the one that asks.
const CUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()";

/// Keeps what Postgres would have after it lost its last moments.
const REMEMBER: &str = "
    CREATE SCHEMA older;
    CREATE TABLE older.orders AS TABLE orders;
    CREATE TABLE older.order_lines AS TABLE order_lines;
    CREATE TABLE older.checkpoint AS TABLE checkpoint";

/// Puts it back.
const FALL_BACK: &str = "
    BEGIN;
    LOCK checkpoint;
    TRUNCATE orders, order_lines;
    INSERT INTO orders TABLE older.orders;
    INSERT INTO order_lines TABLE older.order_lines;
    UPDATE checkpoint
       SET (next_offset, epoch, sequence, owner_epoch) = (old.next_offset, old.epoch, old.sequence, old.owner_epoch)
      FROM older.checkpoint AS old
     WHERE checkpoint.partition = old.partition;
    COMMIT";

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_in_an_older_state_is_noticed_by_the_next_batch() {
    let environment = TestEnvironment::prepared();
    let mut log = Log::of(&environment).await;
    log.append_orders(30).await;
    let running = Running::start(&environment, "older", batches_of(7));
    running.until_applied(log.events()).await;
    running.meddle(REMEMBER).await;
    log.append_orders(30).await;
    running.until_applied(log.events()).await;

    running.meddle(FALL_BACK).await;
    log.append_orders(30).await;
    running.until_applied(log.events()).await;
    assert_eq!(rows(&environment).await, expected(&log));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_projector_whose_postgres_comes_back_in_an_older_state_folds_again() {
    let environment = TestEnvironment::prepared();
    let mut log = Log::of(&environment).await;
    log.append_orders(30).await;
    let running = Running::start(&environment, "idle", batches_of(7));
    running.until_applied(log.events()).await;
    running.meddle(REMEMBER).await;
    log.append_orders(30).await;
    running.until_applied(log.events()).await;

    running.meddle(FALL_BACK).await;
    running.meddle(CUT).await;
    running.until_applied(log.events()).await;
    assert_eq!(rows(&environment).await, expected(&log));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_in_the_middle_of_a_batch_costs_nothing() {
    let environment = TestEnvironment::prepared();
    let mut log = Log::of(&environment).await;
    log.append_orders(20).await;
    let running = Running::start(&environment, "cut", batches_of(3));
    running.until_applied(log.events()).await;
    for _ in 0..5 {
        // Its next batch waits for the checkpoint, in the middle of its transaction.
        let holder = running.hold_checkpoints().await;
        log.append_orders(20).await;
        running.until_it_waits().await;
        running.meddle(CUT_WAITING).await;
        holder.release().await;
        running.until_applied(log.events()).await;
    }
    assert_eq!(rows(&environment).await, expected(&log));
    running.end().await;
}

/// Ends the connections that wait for a lock.
const CUT_WAITING: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                            WHERE datname = current_database() AND wait_event_type = 'Lock'";

#[tokio::test(flavor = "multi_thread")]
async fn a_zombie_with_a_batch_in_flight_writes_nothing() {
    let environment = TestEnvironment::prepared();
    let mut log = Log::of(&environment).await;
    log.append_orders(20).await;
    // It waits longer than anybody claims.
    let patient = ProjectorSettings { transaction_timeout: Duration::from_mins(1), ..batches_of(5) };
    let zombie = Running::start(&environment, "zombie", patient.clone());
    zombie.until_applied(log.events()).await;

    let mut holder = zombie.hold_checkpoints().await;
    log.append_orders(20).await;
    zombie.until_it_waits().await;
    // Somebody who knows nothing of the group claims the partitions meanwhile.
    holder.claim().await;
    holder.release().await;
    // What was in flight is refused, so it claims in its turn: for the third time in all.
    eventually("the zombie claims anew", || async { zombie.claims().await >= 3 }).await;
    let heir = Running::start(&environment, "heir", patient);
    heir.until_applied(log.events()).await;
    assert_eq!(rows(&environment).await, expected(&log));
    zombie.end().await;
    heir.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_move_all_the_time_lose_and_repeat_nothing() {
    let environment = TestEnvironment::prepared();
    let mut log = Log::of(&environment).await;
    let stays = Running::start(&environment, "moving", batches_of(5));
    for _ in 0..6 {
        let comes_and_goes = Running::start(&environment, "moving", batches_of(5));
        log.append_orders(60).await;
        eventually("it is in the group", || async { comes_and_goes.is_ready() }).await;
        log.append_orders(60).await;
        comes_and_goes.end().await;
    }
    stays.until_applied(log.events()).await;
    assert_eq!(rows(&environment).await, expected(&log));
    stays.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_projector_notices_that_postgres_is_gone() {
    let environment = TestEnvironment::prepared();
    let running = Running::start(&environment, "gone", ProjectorSettings::default());
    eventually("it is ready", || async { running.is_ready() }).await;
    running.close_database(true).await;
    eventually("it says so", || async { !running.is_ready() && running.state().contains("postgres") }).await;
    running.close_database(false).await;
    eventually("it is ready again", || async { running.is_ready() }).await;
    running.end().await;
}
