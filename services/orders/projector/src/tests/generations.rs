use projection::ProjectorSettings;
use test_kit::{TestEnvironment, eventually};

use super::{
    Log, Running, batches_of, expected,
    faults::new_order,
    log::{moved, placed},
    rows, rows_in,
};

/// Begins a generation of version 1 beside the live one.
pub(super) const BUILD: &str = "
    CREATE SCHEMA orders_g2;
    CREATE TABLE orders_g2.orders (LIKE public.orders INCLUDING ALL);
    CREATE TABLE orders_g2.order_lines (LIKE public.order_lines INCLUDING ALL);
    INSERT INTO projection_generation (projection, generation, version, state) VALUES ('orders', 2, 1, 'building');
    NOTIFY projection, 'orders'";

/// Has the two generations change places.
const SWAP: &str = "
    BEGIN;
    SELECT FROM checkpoint FOR UPDATE;
    CREATE SCHEMA orders_g1;
    ALTER TABLE public.orders SET SCHEMA orders_g1;
    ALTER TABLE public.order_lines SET SCHEMA orders_g1;
    ALTER TABLE orders_g2.orders SET SCHEMA public;
    ALTER TABLE orders_g2.order_lines SET SCHEMA public;
    UPDATE projection_generation SET state = 'standby' WHERE generation = 1;
    UPDATE projection_generation SET state = 'live' WHERE generation = 2;
    UPDATE checkpoint SET epoch = epoch + 1;
    NOTIFY projection, 'orders';
    COMMIT";

async fn until_equal(running: &Running, log: &Log, generations: &[i32]) {
    for generation in generations {
        running.until_applied_by(*generation, log.events()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generation_is_filled_beside_the_live_one_and_takes_its_place() {
    let environment = TestEnvironment::prepared();
    let mut log = Log::of(&environment).await;
    log.append_orders(60).await;
    // In the way of whoever reads columns by tabs and rows by lines.
    let order_id = new_order();
    log.append_event(&order_id, 1, placed(0)).await;
    log.append_event(&order_id, 2, moved("1\tTab \\t Street\r\n\\N")).await;
    let running = Running::start(&environment, "beside", batches_of(20));
    running.until_applied(log.events()).await;

    running.meddle(BUILD).await;
    until_equal(&running, &log, &[2]).await;
    log.append_orders(60).await;
    until_equal(&running, &log, &[1, 2]).await;
    assert_eq!(rows_in(&environment, "orders_g2").await, expected(&log));

    running.meddle(SWAP).await;
    log.append_orders(60).await;
    until_equal(&running, &log, &[1, 2]).await;
    assert_eq!(rows(&environment).await, expected(&log));
    assert_eq!(rows_in(&environment, "orders_g1").await, expected(&log));
    eventually("both are well", || async { running.is_ready() && !running.state().contains("reason") }).await;
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generation_that_is_built_never_passes_the_live_one() {
    let environment = TestEnvironment::prepared();
    let mut log = Log::of(&environment).await;
    log.append_orders(40).await;
    let running = Running::start(&environment, "behind", ProjectorSettings::default());
    running.until_applied(log.events()).await;
    let before = log.events();
    running.meddle("UPDATE projection_generation SET paused = true; NOTIFY projection, 'orders'").await;
    eventually("it is paused", || async { running.state().contains("paused") }).await;

    // More than what is held of one partition.
    log.append_orders(6_000).await;
    running.meddle(BUILD).await;
    running.until_applied_by(2, before).await;
    eventually("it has read what comes", || async {
        running.state().contains(r#""orders generation 2": Ready"#)
    })
    .await;
    assert_eq!(running.applied_by(2).await, i64::try_from(before).unwrap());

    running.meddle("UPDATE projection_generation SET paused = false; NOTIFY projection, 'orders'").await;
    until_equal(&running, &log, &[1, 2]).await;
    assert_eq!(rows_in(&environment, "orders_g2").await, expected(&log));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_generation_stays_where_it_is_and_a_limited_one_arrives() {
    let environment = TestEnvironment::prepared();
    let mut log = Log::of(&environment).await;
    log.append_orders(50).await;
    let running = Running::start(&environment, "paused", ProjectorSettings::default());
    running.until_applied(log.events()).await;
    let paused = BUILD
        .replace("version, state)", "version, state, paused)")
        .replace("'building')", "'building', true)");
    running.meddle(&paused).await;
    eventually("it is paused", || async { running.state().contains("paused") }).await;
    assert!(running.is_ready());
    assert_eq!(running.applied_by(2).await, 0);

    running
        .meddle(
            "UPDATE projection_generation SET paused = false, rate_limit = 200 WHERE generation = 2;
             NOTIFY projection, 'orders'",
        )
        .await;
    until_equal(&running, &log, &[2]).await;
    assert_eq!(rows_in(&environment, "orders_g2").await, expected(&log));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_of_a_generation_that_is_built_does_not_concern_queries() {
    let environment = TestEnvironment::prepared();
    let mut log = Log::of(&environment).await;
    log.append_orders(20).await;
    let running = Running::start(&environment, "trouble", ProjectorSettings::default());
    running.until_applied(log.events()).await;
    running
        .meddle(&BUILD.replace("CREATE TABLE orders_g2.order_lines", "CREATE TABLE orders_g2.lines"))
        .await;
    eventually("it says so", || async { running.state().contains("does not exist") }).await;
    assert!(running.is_ready(), "{}", running.state());

    running.meddle("ALTER TABLE orders_g2.lines RENAME TO order_lines").await;
    until_equal(&running, &log, &[2]).await;
    running
        .meddle("DELETE FROM projection_generation WHERE generation = 2; NOTIFY projection, 'orders'")
        .await;
    eventually("it is forgotten", || async { !running.state().contains("generation 2") }).await;
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_another_version_are_left_alone_until_there_are_some_of_this_one() {
    let environment = TestEnvironment::prepared();
    let mut log = Log::of(&environment).await;
    log.append_orders(20).await;
    let first = Running::start(&environment, "first", ProjectorSettings::default());
    first.until_applied(log.events()).await;
    first.meddle("UPDATE projection_generation SET version = 7").await;
    first.end().await;

    let running = Running::start(&environment, "second", ProjectorSettings::default());
    eventually("it says what to do", || async {
        running.state().contains("run `foldline projections rebuild orders`")
    })
    .await;
    assert!(!running.is_ready());
    running.meddle(BUILD).await;
    until_equal(&running, &log, &[2]).await;
    eventually("it works", || async { running.is_ready() }).await;
    assert_eq!(rows_in(&environment, "orders_g2").await, expected(&log));
    running.end().await;
}
