use orders_domain::Event;
use projection::kit::{Fact, database, fact, given};
use uuid::Uuid;

use super::Orders;
use crate::tests::log::{address_changed, cancelled, placed};

fn fact_of(order: u128, event: &Event) -> Fact {
    fact(Uuid::from_u128(order), event)
}

#[tokio::test]
async fn every_cut_of_a_short_history_leads_to_the_same_orders() {
    let facts = [
        fact_of(1, &placed(1)),
        fact_of(2, &placed(2)),
        fact_of(1, &address_changed("2 Second Street")),
        fact_of(1, &address_changed("3 Third Street")),
        fact_of(2, &cancelled()),
        fact_of(1, &cancelled()),
    ];
    given(Orders, &database("orders_read"), facts).then_every_cut_agrees().await;
}

#[tokio::test]
async fn the_address_is_the_last_one() {
    given(Orders, &database("orders_read"), [fact_of(1, &placed(1))])
        .when([
            fact_of(1, &address_changed("2 Second Street")),
            fact_of(1, &address_changed("3 Third Street")),
        ])
        .then("SELECT version, delivery_street FROM orders", [(3_i64, "3 Third Street".to_owned())])
        .await;
}

#[tokio::test]
async fn an_order_is_placed_by_its_first_event_only() {
    given(Orders, &database("orders_read"), [fact_of(1, &placed(1))])
        .when([fact_of(1, &placed(1))])
        .then_refused("an order is placed by its first event only")
        .await;
}

#[tokio::test]
async fn the_first_event_of_an_order_must_place_it() {
    given(Orders, &database("orders_read"), [])
        .when([fact_of(1, &cancelled())])
        .then_refused("the first event of an order must place it")
        .await;
}
