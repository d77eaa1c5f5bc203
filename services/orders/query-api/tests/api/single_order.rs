use serde_json::{Value, json};

use crate::services::{Services, header, problem};

#[tokio::test]
async fn an_order_is_returned_in_the_state_after_its_last_event() {
    let services = Services::start().await;
    let order = services.place("c-1001").await;
    let path = format!("/orders/{}", order.order_id);

    let answer = services.get_with_token(&path, &order.token).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(header(&answer, "etag"), "\"1\"");
    assert_eq!(header(&answer, "consistency-token"), order.token);
    assert_eq!(header(&answer, "preference-applied"), "wait=9");
    assert_eq!(header(&answer, "vary"), "consistency-token, prefer");
    let mut body: Value = answer.json().await.unwrap();
    let (placed_at, updated_at) = (body["placed_at"].take(), body["updated_at"].take());
    assert_eq!(placed_at, updated_at);
    let expected = json!({
        "order_id": order.order_id, "version": 1, "status": "placed", "customer_id": "c-1001",
        "currency": "EUR", "total_minor": 2980,
        "lines": [
            { "sku": "tea-500g", "quantity": 2, "unit_price_minor": 1290 },
            { "sku": "cup", "quantity": 1, "unit_price_minor": 400 },
        ],
        "delivery_address": {
            "name": "Ada Lovelace", "street": "12 Example Street",
            "postal_code": "10115", "city": "Berlin", "country": "DE",
        },
        "placed_at": null, "updated_at": null,
    });
    assert_eq!(body, expected);

    let token = services.cancel(&order.order_id).await;
    let answer = services.get_with_token(&path, &token).await;
    assert_eq!(header(&answer, "etag"), "\"2\"");
    let body: Value = answer.json().await.unwrap();
    assert_eq!((&body["version"], &body["status"]), (&json!(2), &json!("cancelled")));
    assert_eq!(body["cancellation"]["reason"], "ordered twice");
    assert_eq!(body["cancellation"]["cancelled_at"], body["updated_at"]);
    assert_eq!(body["placed_at"], placed_at);
}

#[tokio::test]
async fn an_unchanged_order_is_answered_with_304() {
    let services = Services::start().await;
    let order = services.place("c-1001").await;
    let path = format!("/orders/{}", order.order_id);
    services.get_with_token(&path, &order.token).await;

    for (tag, status) in [("\"1\"", 304), ("W/\"1\"", 304), ("*", 304), ("\"2\"", 200), ("\"7\", \"1\"", 304)]
    {
        let answer = services.get(&path).header("if-none-match", tag).send().await.unwrap();
        assert_eq!(answer.status(), status, "{tag}");
        assert_eq!(header(&answer, "etag"), "\"1\"", "{tag}");
        assert_eq!(header(&answer, "consistency-token"), order.token, "{tag}");
    }
}

#[tokio::test]
async fn an_order_that_was_never_placed_is_not_found() {
    let services = Services::start().await;
    let answer = services.get("/orders/01a1fc65-7735-701a-b609-546528c4018e").send().await.unwrap();
    assert_eq!(answer.status(), 404);
    assert_eq!(problem(answer).await, "order-not-found");
}
