use aggregate::AggregateId;
use test_kit::{TestEnvironment, eventually};
use uuid::Uuid;

use super::{
    Running, batches_of,
    expected::{expected, rows, rows_in},
    log::{Log, log_of, moved, orders, placed},
};

/// Begins a generation of version 1 beside the live one.
const BUILD: &str = "
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
    let mut log = log_of(&environment).await;
    log.append_new(orders(60)).await;
    // In the way of whoever reads columns by tabs and rows by lines.
    let order_id = AggregateId::from(Uuid::now_v7());
    log.append(&order_id, 1, placed(0)).await;
    log.append(&order_id, 2, moved("1\tTab \\t Street\r\n\\N")).await;
    let running = Running::start(&environment, "beside", batches_of(20));
    running.until_applied(log.events()).await;

    running.meddle(BUILD).await;
    until_equal(&running, &log, &[2]).await;
    log.append_new(orders(60)).await;
    until_equal(&running, &log, &[1, 2]).await;
    assert_eq!(rows_in(&environment, "orders_g2").await, expected(&log));

    running.meddle(SWAP).await;
    log.append_new(orders(60)).await;
    until_equal(&running, &log, &[1, 2]).await;
    assert_eq!(rows(&environment).await, expected(&log));
    assert_eq!(rows_in(&environment, "orders_g1").await, expected(&log));
    eventually("both are well", || async { running.is_ready() && !running.state().contains("reason") }).await;
    running.end().await;
}
