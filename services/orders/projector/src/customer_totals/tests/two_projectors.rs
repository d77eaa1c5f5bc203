use std::collections::BTreeMap;

use orders_domain::Event;
use projection::Projection as _;
use sqlx::{Connection, PgConnection};
use test_kit::{Service, TestEnvironment, eventually};

use super::{CustomerTotals, TOTALS, Totals};
use crate::tests::log::{Log, log_of, orders};

/// Waits until this many events are applied.
async fn until_applied(environment: &TestEnvironment, events: usize) {
    let events = i64::try_from(events).unwrap();
    eventually(&format!("{events} events are applied"), || async { applied(environment).await == events })
        .await;
}

async fn applied(environment: &TestEnvironment) -> i64 {
    let applied = "SELECT coalesce(sum(sequence), 0)::bigint FROM checkpoint WHERE projection = $1";
    let applied = sqlx::query_scalar(applied).bind(CustomerTotals::NAME);
    applied.fetch_one(&mut database(environment).await).await.unwrap()
}

async fn totals(environment: &TestEnvironment) -> Vec<Totals> {
    sqlx::query_as(TOTALS).fetch_all(&mut database(environment).await).await.unwrap()
}

async fn database(environment: &TestEnvironment) -> PgConnection {
    PgConnection::connect(&environment.database_url("orders_read")).await.unwrap()
}

/// The expected totals, computed one event at a time.
fn expected(log: &Log) -> Vec<Totals> {
    let (mut orders, mut totals) = (BTreeMap::new(), BTreeMap::<_, Totals>::new());
    for (envelope, event) in &log.written {
        match event {
            Event::OrderPlaced(order) => {
                let key = (order.customer_id.clone(), order.currency.clone());
                let of_customer = totals.entry(key.clone()).or_insert_with(|| Totals {
                    first_order_at: envelope.time,
                    ..Totals::placed(&key.0, &key.1, 0, 0, (1, 1))
                });
                of_customer.orders_placed += 1;
                of_customer.placed_minor += order.total_minor;
                of_customer.last_order_at = envelope.time;
                orders.insert(&envelope.aggregate_id, (key, order.total_minor));
            }
            Event::DeliveryAddressChanged(_) => {}
            Event::OrderCancelled(_) => {
                let (key, total_minor) = &orders[&envelope.aggregate_id];
                let of_customer = totals.get_mut(key).unwrap();
                of_customer.orders_cancelled += 1;
                of_customer.cancelled_minor += total_minor;
            }
        }
    }
    totals.into_values().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_projectors_add_up_the_orders_of_the_same_customers() {
    let environment = TestEnvironment::prepared();
    let mut log = log_of(&environment).await;
    let one = Service::projector(&environment, "orders").ready().await;
    let mut other = Service::projector(&environment, "orders").ready().await;
    log.append_new(orders(300)).await;
    until_applied(&environment, log.events()).await;
    assert_eq!(totals(&environment).await, expected(&log));

    log.append_new(orders(300)).await;
    other.kill_and_restart().await;
    log.append_new(orders(300)).await;
    until_applied(&environment, log.events()).await;
    assert_eq!(totals(&environment).await, expected(&log));
    assert!(!one.log().contains("deadlock"), "{}", one.log());
}
