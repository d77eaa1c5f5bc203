mod two_projectors;

use orders_domain::{
    Event,
    events::{DeliveryAddress, DeliveryAddressChanged, OrderCancelled, OrderPlaced},
};
use projection::kit::{Fact, database, fact, given, happened_at};
use sqlx::{FromRow, postgres::PgConnectOptions};
use time::OffsetDateTime;
use uuid::Uuid;

use super::CustomerTotals;

const TOTALS: &str = "SELECT * FROM customer_totals ORDER BY customer_id, currency";

#[derive(Debug, PartialEq, FromRow)]
struct Totals {
    customer_id: String,
    currency: String,
    orders_placed: i64,
    orders_cancelled: i64,
    placed_minor: i64,
    cancelled_minor: i64,
    first_order_at: OffsetDateTime,
    last_order_at: OffsetDateTime,
}

impl Totals {
    /// The totals of orders of which none is cancelled. `facts` are the numbers of the first and the last.
    fn placed(customer_id: &str, currency: &str, orders: i64, minor: i64, facts: (usize, usize)) -> Self {
        Self {
            customer_id: customer_id.to_owned(),
            currency: currency.to_owned(),
            orders_placed: orders,
            orders_cancelled: 0,
            placed_minor: minor,
            cancelled_minor: 0,
            first_order_at: happened_at(facts.0),
            last_order_at: happened_at(facts.1),
        }
    }
}

/// An order is placed, with all fields, including those that the projection does not read.
fn placed(order: u128, customer_id: &str, currency: &str, total_minor: i64) -> Fact {
    let order_placed = OrderPlaced {
        customer_id: customer_id.to_owned(),
        currency: currency.to_owned(),
        lines: Vec::new(),
        total_minor,
        delivery_address: address(),
    };
    fact(Uuid::from_u128(order), &Event::OrderPlaced(order_placed))
}

fn address_changed(order: u128) -> Fact {
    let address_changed = DeliveryAddressChanged { delivery_address: address() };
    fact(Uuid::from_u128(order), &Event::DeliveryAddressChanged(address_changed))
}

fn cancelled(order: u128) -> Fact {
    let cancelled = OrderCancelled { reason: "ordered twice".to_owned() };
    fact(Uuid::from_u128(order), &Event::OrderCancelled(cancelled))
}

fn address() -> DeliveryAddress {
    let text = || "somewhere".to_owned();
    DeliveryAddress {
        name: text(),
        street: text(),
        postal_code: text(),
        city: text(),
        country: "DE".to_owned(),
    }
}

fn orders_read() -> PgConnectOptions {
    database("orders_read")
}

#[tokio::test]
async fn orders_are_counted_by_customer_and_currency() {
    given(CustomerTotals, &orders_read(), [placed(1, "c-1", "EUR", 1_000)])
        .when([placed(2, "c-1", "EUR", 250), placed(3, "c-1", "USD", 70), placed(4, "c-2", "EUR", 9)])
        .then(
            TOTALS,
            [
                Totals::placed("c-1", "EUR", 2, 1_250, (1, 2)),
                Totals::placed("c-1", "USD", 1, 70, (3, 3)),
                Totals::placed("c-2", "EUR", 1, 9, (4, 4)),
            ],
        )
        .await;
}

#[tokio::test]
async fn a_cancelled_order_counts_as_placed_and_as_cancelled() {
    given(CustomerTotals, &orders_read(), [placed(1, "c-1", "EUR", 1_000), placed(2, "c-1", "EUR", 250)])
        .when([address_changed(1), cancelled(1)])
        .then(
            TOTALS,
            [Totals {
                orders_cancelled: 1,
                cancelled_minor: 1_000,
                ..Totals::placed("c-1", "EUR", 2, 1_250, (1, 2))
            }],
        )
        .await;
}

#[tokio::test]
async fn an_order_can_be_placed_and_cancelled_in_one_batch() {
    given(CustomerTotals, &orders_read(), [])
        .when([placed(1, "c-1", "EUR", 1_000), cancelled(1)])
        .then(
            TOTALS,
            [Totals {
                orders_cancelled: 1,
                cancelled_minor: 1_000,
                ..Totals::placed("c-1", "EUR", 1, 1_000, (1, 1))
            }],
        )
        .await;
}

#[tokio::test]
async fn only_orders_that_can_be_cancelled_are_kept() {
    given(CustomerTotals, &orders_read(), [placed(1, "c-1", "EUR", 1_000), placed(2, "c-1", "EUR", 250)])
        .when([cancelled(1)])
        .then("SELECT order_id FROM customer_open_orders", [(Uuid::from_u128(2),)])
        .await;
}

#[tokio::test]
async fn an_order_that_is_not_open_cannot_be_cancelled() {
    let orders_read = orders_read();
    let reason = "only an order that was placed can be cancelled, and only once";
    given(CustomerTotals, &orders_read, [])
        .when([address_changed(1), cancelled(1)])
        .then_refused(reason)
        .await;
    given(CustomerTotals, &orders_read, [placed(1, "c-1", "EUR", 1_000), cancelled(1)])
        .when([placed(2, "c-1", "EUR", 1_000), cancelled(1)])
        .then_refused(reason)
        .await;
}

#[tokio::test]
async fn an_order_cannot_be_placed_twice() {
    given(CustomerTotals, &orders_read(), [placed(1, "c-1", "EUR", 1_000)])
        .when([placed(1, "c-1", "EUR", 1_000)])
        .then_refused("customer_open_orders_pkey")
        .await;
}

#[tokio::test]
async fn a_sum_that_overflows_its_column_is_refused() {
    let orders_read = orders_read();
    let (largest, one) =
        (|order| placed(order, "c-1", "EUR", i64::MAX), |order| placed(order, "c-1", "EUR", 1));
    given(CustomerTotals, &orders_read, [largest(1)])
        .when([one(2)])
        .then_refused("bigint out of range")
        .await;
    given(CustomerTotals, &orders_read, [])
        .when([largest(1), one(2)])
        .then_refused("bigint out of range")
        .await;
}

#[tokio::test]
async fn every_cut_of_a_short_history_leads_to_the_same_totals() {
    let facts = [
        placed(1, "c-1", "EUR", 1_000),
        placed(2, "c-1", "EUR", 250),
        address_changed(1),
        cancelled(1),
        placed(3, "c-2", "EUR", 70),
        cancelled(2),
    ];
    given(CustomerTotals, &orders_read(), facts).then_every_cut_agrees().await;
}

#[tokio::test]
async fn every_cut_of_a_long_history_leads_to_the_same_totals() {
    let facts = (0..40).flat_map(|order| {
        let customer = format!("c-{}", order % 3);
        let mut facts = vec![placed(order, &customer, ["EUR", "USD"][usize::from(order % 4 == 0)], 100)];
        facts.extend((order % 2 == 0).then(|| address_changed(order)));
        facts.extend((order % 5 == 0).then(|| cancelled(order)));
        facts
    });
    given(CustomerTotals, &orders_read(), facts).then_every_cut_agrees().await;
}
