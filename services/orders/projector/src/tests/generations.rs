use aggregate::AggregateId;
use projection::{
    GenerationState, Projection as _,
    generations::{Promotion, begin, promote},
    kit::batches_of,
};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use test_kit::{TestEnvironment, eventually};
use uuid::Uuid;

use super::{
    expected::{expected, rows, rows_in},
    log::{address_changed, log_of, orders, placed},
    running::start,
};
use crate::orders::Orders;

const PROMOTION: Promotion =
    Promotion { state: GenerationState::Building, max_lag: 0, accept_differences: false };

#[tokio::test(flavor = "multi_thread")]
async fn a_generation_is_filled_next_to_the_live_one_and_replaces_it() {
    let environment = TestEnvironment::prepared();
    let mut log = log_of(&environment).await;
    log.append_new(orders(60)).await;
    // This text breaks a parser that splits rows at newlines and columns at tabs.
    let order_id = AggregateId::from(Uuid::now_v7());
    log.append(&order_id, 1, placed(0)).await;
    log.append(&order_id, 2, address_changed("1\tTab \\t Street\r\n\\N")).await;
    let running = start(&environment, "next-to-live", batches_of(20));
    running.until_applied(log.events()).await;

    let database: PgConnectOptions = environment.database_url("orders_read").parse().unwrap();
    let mut connection = PgConnection::connect_with(&database).await.unwrap();
    begin(&mut connection, Orders::NAME, None, None).await.unwrap();
    running.until_applied_by_all(&[2], log.events()).await;
    log.append_new(orders(60)).await;
    running.until_applied_by_all(&[1, 2], log.events()).await;
    assert_eq!(rows_in(&environment, "orders_g2").await, expected(&log));

    promote(&database, Orders::NAME, PROMOTION).await.unwrap();
    log.append_new(orders(60)).await;
    running.until_applied_by_all(&[1, 2], log.events()).await;
    assert_eq!(rows(&environment).await, expected(&log));
    assert_eq!(rows_in(&environment, "orders_g1").await, expected(&log));
    eventually("both generations are healthy", || async {
        running.is_ready() && !running.state().contains("reason")
    })
    .await;
    running.end().await;
}
