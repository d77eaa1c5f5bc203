use serde_json::{Value, json};
use test_kit::eventually;

use crate::stage::{Stage, header, problem};

const TOTALS: &str = "/customers/c-1001/totals";

#[tokio::test]
async fn the_orders_of_a_customer_are_added_up() {
    let stage = Stage::set().await;
    let (one, other) = (stage.place("c-1001").await, stage.place("c-1001").await);
    let elsewhere = stage.place("c-1002").await;
    let cancelled = stage.cancel(&one.order_id).await;

    let token = [cancelled, other.token, elsewhere.token].join(",");
    let answer = stage.ask(TOTALS, &token).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(header(&answer, "etag"), "\"3\"");
    let mut told: Value = answer.json().await.unwrap();
    let times = ["first_order_at", "last_order_at"].map(|time| told["totals"][0][time].take());
    let wanted = json!({
        "customer_id": "c-1001",
        "totals": [{
            "currency": "EUR", "orders_placed": 2, "orders_cancelled": 1,
            "placed_minor": 5960, "cancelled_minor": 2980,
            "first_order_at": null, "last_order_at": null,
        }],
    });
    assert_eq!(told, wanted);

    let mut placed_at = Vec::new();
    for order in [one.order_id, other.order_id] {
        let order: Value = stage.ask(&format!("/orders/{order}"), &token).await.json().await.unwrap();
        placed_at.push(order["placed_at"].clone());
    }
    assert_eq!(times.to_vec(), placed_at);
}

#[tokio::test]
async fn every_write_of_a_customer_is_visible_to_who_made_it() {
    let stage = Stage::set().await;
    for number in 1..=20 {
        let order = stage.place("c-1001").await;
        let totals: Value = stage.ask(TOTALS, &order.token).await.json().await.unwrap();
        assert_eq!(totals["totals"][0]["orders_placed"], number);
    }
}

#[tokio::test]
async fn who_has_the_totals_is_told_so_until_they_change() {
    let stage = Stage::set().await;
    let order = stage.place("c-1001").await;
    let tag = header(&stage.ask(TOTALS, &order.token).await, "etag");
    let unchanged = stage.question(TOTALS).header("if-none-match", &tag).send().await.unwrap();
    assert_eq!(unchanged.status(), 304);

    let token = stage.cancel(&order.order_id).await;
    let changed = stage.question(TOTALS).header("if-none-match", &tag).header("consistency-token", &token);
    assert_eq!(changed.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_customer_who_has_ordered_nothing_has_no_totals() {
    let stage = Stage::set().await;
    let answer = stage.question(TOTALS).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let told: Value = answer.json().await.unwrap();
    assert_eq!(told, json!({ "customer_id": "c-1001", "totals": [] }));
}

#[tokio::test]
async fn totals_that_do_not_have_the_write_yet_are_not_told() {
    let mut stage = Stage::set().await;
    stage.projector.signal("KILL");
    stage.projector.ended().await;
    let order = stage.place("c-1001").await;
    let question = stage.question(TOTALS).header("consistency-token", &order.token);
    let refused = question.header("prefer", "wait=0").send().await.unwrap();
    assert_eq!(refused.status(), 503);
    assert_eq!(problem(refused).await, "not-yet-visible");

    stage.projector.restart();
    eventually("the totals are visible", || async { stage.ask(TOTALS, &order.token).await.status() == 200 })
        .await;
}
