use serde_json::{Value, json};
use test_kit::eventually;

use crate::services::{Services, header, problem};

const TOTALS: &str = "/customers/c-1001/totals";

#[tokio::test]
async fn the_totals_add_up_the_orders_of_a_customer() {
    let services = Services::start().await;
    let (one, other) = (services.place("c-1001").await, services.place("c-1001").await);
    let of_other_customer = services.place("c-1002").await;
    let cancelled = services.cancel(&one.order_id).await;

    let token = [cancelled, other.token, of_other_customer.token].join(",");
    let answer = services.get_with_token(TOTALS, &token).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(header(&answer, "etag"), "\"3\"");
    let mut body: Value = answer.json().await.unwrap();
    let times = ["first_order_at", "last_order_at"].map(|time| body["totals"][0][time].take());
    let expected = json!({
        "customer_id": "c-1001",
        "totals": [{
            "currency": "EUR", "orders_placed": 2, "orders_cancelled": 1,
            "placed_minor": 5960, "cancelled_minor": 2980,
            "first_order_at": null, "last_order_at": null,
        }],
    });
    assert_eq!(body, expected);

    let mut placed_at = Vec::new();
    for order in [one.order_id, other.order_id] {
        let order: Value =
            services.get_with_token(&format!("/orders/{order}"), &token).await.json().await.unwrap();
        placed_at.push(order["placed_at"].clone());
    }
    assert_eq!(times.to_vec(), placed_at);
}

#[tokio::test]
async fn every_write_is_visible_to_the_customer_who_made_it() {
    let services = Services::start().await;
    for number in 1..=20 {
        let order = services.place("c-1001").await;
        let totals: Value = services.get_with_token(TOTALS, &order.token).await.json().await.unwrap();
        assert_eq!(totals["totals"][0]["orders_placed"], number);
    }
}

#[tokio::test]
async fn unchanged_totals_are_answered_with_304() {
    let services = Services::start().await;
    let order = services.place("c-1001").await;
    let tag = header(&services.get_with_token(TOTALS, &order.token).await, "etag");
    let unchanged = services.get(TOTALS).header("if-none-match", &tag).send().await.unwrap();
    assert_eq!(unchanged.status(), 304);

    let token = services.cancel(&order.order_id).await;
    let changed = services.get(TOTALS).header("if-none-match", &tag).header("consistency-token", &token);
    assert_eq!(changed.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_customer_without_orders_has_no_totals() {
    let services = Services::start().await;
    let answer = services.get(TOTALS).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body, json!({ "customer_id": "c-1001", "totals": [] }));
}

#[tokio::test]
async fn totals_are_refused_until_they_contain_the_write_of_the_token() {
    let mut services = Services::start().await;
    services.projector.signal("KILL");
    services.projector.ended().await;
    let order = services.place("c-1001").await;
    let request = services.get(TOTALS).header("consistency-token", &order.token);
    let refused = request.header("prefer", "wait=0").send().await.unwrap();
    assert_eq!(refused.status(), 503);
    assert_eq!(problem(refused).await, "not-yet-visible");

    services.projector.restart();
    eventually("the totals are visible", || async {
        services.get_with_token(TOTALS, &order.token).await.status() == 200
    })
    .await;
}
