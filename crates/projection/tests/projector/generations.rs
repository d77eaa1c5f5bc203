//! The same projector fills a new generation next to the live one.

use projection::{
    ProjectorSettings,
    kit::{Running, batches_of},
};
use test_kit::eventually;

use crate::{
    environment::prepared,
    events::{deposited, new_account, opened},
    expected::{expected, rows, rows_in},
    log::{accounts, log_of},
    running::start,
};

/// Creates generation 2, of version 1, next to the live one.
pub(crate) const BUILD: &str = "
    CREATE SCHEMA accounts_g2;
    CREATE TABLE accounts_g2.accounts (LIKE public.accounts INCLUDING ALL);
    CREATE TABLE accounts_g2.deposits (LIKE public.deposits INCLUDING ALL);
    INSERT INTO projection_generation (projection, generation, version, state) VALUES ('accounts', 2, 1, 'building');
    NOTIFY projection, 'accounts'";

/// Swaps the two generations.
const SWAP: &str = "
    BEGIN;
    SELECT FROM checkpoint FOR UPDATE;
    CREATE SCHEMA accounts_g1;
    ALTER TABLE public.accounts SET SCHEMA accounts_g1;
    ALTER TABLE public.deposits SET SCHEMA accounts_g1;
    ALTER TABLE accounts_g2.accounts SET SCHEMA public;
    ALTER TABLE accounts_g2.deposits SET SCHEMA public;
    UPDATE projection_generation SET state = 'standby' WHERE generation = 1;
    UPDATE projection_generation SET state = 'live' WHERE generation = 2;
    UPDATE checkpoint SET epoch = epoch + 1;
    NOTIFY projection, 'accounts';
    COMMIT";

#[tokio::test(flavor = "multi_thread")]
async fn a_generation_is_filled_next_to_the_live_one_and_replaces_it() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    log.append_new(accounts(60)).await;
    // This text breaks a parser that splits rows at newlines and columns at tabs.
    let id = new_account();
    log.append(&id, 1, opened("1\tTab \\t Street\r\n\\N")).await;
    log.append(&id, 2, deposited(2)).await;
    let running = start(&environment, "next-to-live", batches_of(20));
    running.until_applied(log.events()).await;

    running.execute_sql(BUILD).await;
    running.until_applied_by_all(&[2], log.events()).await;
    log.append_new(accounts(60)).await;
    running.until_applied_by_all(&[1, 2], log.events()).await;
    assert_eq!(rows_in(&environment, "accounts_g2").await, expected(&log));

    running.execute_sql(SWAP).await;
    log.append_new(accounts(60)).await;
    running.until_applied_by_all(&[1, 2], log.events()).await;
    assert_eq!(rows(&environment).await, expected(&log));
    assert_eq!(rows_in(&environment, "accounts_g1").await, expected(&log));
    eventually("both generations are healthy", || async {
        running.is_ready() && !running.state().contains("reason")
    })
    .await;
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generation_being_built_never_overtakes_the_live_one() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    log.append_new(accounts(40)).await;
    let running = start(&environment, "behind", ProjectorSettings::default());
    running.until_applied(log.events()).await;
    let before = log.events();
    running
        .execute_sql("UPDATE projection_generation SET paused = true; NOTIFY projection, 'accounts'")
        .await;
    running.until_state_contains("paused").await;

    // More than the thousand records that are buffered per partition.
    log.append_new(accounts(1_500)).await;
    running.execute_sql(BUILD).await;
    running.until_applied_by(2, before).await;
    running.until_state_contains(r#""accounts generation 2": Ready"#).await;
    assert_eq!(running.applied_by(2).await, i64::try_from(before).unwrap());

    running
        .execute_sql("UPDATE projection_generation SET paused = false; NOTIFY projection, 'accounts'")
        .await;
    running.until_applied_by_all(&[1, 2], log.events()).await;
    assert_eq!(rows_in(&environment, "accounts_g2").await, expected(&log));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_generation_does_not_move_and_a_rate_limited_one_catches_up() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    log.append_new(accounts(50)).await;
    let running = start(&environment, "paused", ProjectorSettings::default());
    running.until_applied(log.events()).await;
    running.until_ready().await;
    let paused = BUILD
        .replace("version, state)", "version, state, paused)")
        .replace("'building')", "'building', true)");
    running.execute_sql(&paused).await;
    running.until_state_contains("paused").await;
    assert!(running.is_ready(), "{}", running.state());
    assert_eq!(running.applied_by(2).await, 0);

    running
        .execute_sql(
            "UPDATE projection_generation SET paused = false, rate_limit = 200 WHERE generation = 2;
             NOTIFY projection, 'accounts'",
        )
        .await;
    running.until_applied_by_all(&[2], log.events()).await;
    assert_eq!(rows_in(&environment, "accounts_g2").await, expected(&log));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_new_generation_does_not_affect_readiness() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    log.append_new(accounts(20)).await;
    let running = start(&environment, "trouble", ProjectorSettings::default());
    running.until_applied(log.events()).await;
    running.until_ready().await;
    running
        .execute_sql(&BUILD.replace("CREATE TABLE accounts_g2.deposits", "CREATE TABLE accounts_g2.payments"))
        .await;
    running.until_state_contains("does not exist").await;
    eventually("the trouble is recorded", || async {
        trouble_of(&running, 2).await.is_some_and(|trouble| trouble.contains("does not exist"))
    })
    .await;
    assert!(running.is_ready(), "{}", running.state());

    running.execute_sql("ALTER TABLE accounts_g2.payments RENAME TO deposits").await;
    running.until_applied_by_all(&[2], log.events()).await;
    eventually("the trouble is cleared", || async { trouble_of(&running, 2).await.is_none() }).await;
    running
        .execute_sql("DELETE FROM projection_generation WHERE generation = 2; NOTIFY projection, 'accounts'")
        .await;
    eventually("the generation disappears from the state", || async {
        !running.state().contains("generation 2")
    })
    .await;
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_another_version_are_not_touched_and_a_new_generation_is_filled() {
    let environment = prepared().await;
    let mut log = log_of(&environment).await;
    log.append_new(accounts(20)).await;
    let first = start(&environment, "first", ProjectorSettings::default());
    first.until_applied(log.events()).await;
    first.execute_sql("UPDATE projection_generation SET version = 7").await;
    first.end().await;

    let running = start(&environment, "second", ProjectorSettings::default());
    running.until_state_contains("run `foldline projections rebuild accounts`").await;
    assert!(!running.is_ready());
    running.execute_sql(BUILD).await;
    running.until_applied_by_all(&[2], log.events()).await;
    running.until_ready().await;
    assert_eq!(rows_in(&environment, "accounts_g2").await, expected(&log));
    running.end().await;
}

/// Why a generation stands still, as an operator sees it.
async fn trouble_of(running: &Running, generation: i32) -> Option<String> {
    sqlx::query_scalar("SELECT trouble FROM projection_generation WHERE generation = $1")
        .bind(generation)
        .fetch_one(&mut running.connect().await)
        .await
        .unwrap()
}
