use serde_json::{Value, json};

use crate::stage::{Stage, header, problem};

#[tokio::test]
async fn an_order_is_told_as_its_events_left_it() {
    let stage = Stage::set().await;
    let order = stage.place("c-1001").await;
    let path = format!("/orders/{}", order.order_id);

    let answer = stage.ask(&path, &order.token).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(header(&answer, "etag"), "\"1\"");
    assert_eq!(header(&answer, "consistency-token"), order.token);
    assert_eq!(header(&answer, "preference-applied"), "wait=9");
    assert_eq!(header(&answer, "vary"), "consistency-token, prefer");
    let mut told: Value = answer.json().await.unwrap();
    let (placed_at, updated_at) = (told["placed_at"].take(), told["updated_at"].take());
    assert_eq!(placed_at, updated_at);
    let wanted = json!({
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
    assert_eq!(told, wanted);

    let token = stage.cancel(&order.order_id).await;
    let answer = stage.ask(&path, &token).await;
    assert_eq!(header(&answer, "etag"), "\"2\"");
    let told: Value = answer.json().await.unwrap();
    assert_eq!((&told["version"], &told["status"]), (&json!(2), &json!("cancelled")));
    assert_eq!(told["cancellation"]["reason"], "ordered twice");
    assert_eq!(told["cancellation"]["cancelled_at"], told["updated_at"]);
    assert_eq!(told["placed_at"], placed_at);
}

#[tokio::test]
async fn who_has_the_version_is_told_so() {
    let stage = Stage::set().await;
    let order = stage.place("c-1001").await;
    let path = format!("/orders/{}", order.order_id);
    stage.ask(&path, &order.token).await;

    for (tag, status) in [("\"1\"", 304), ("W/\"1\"", 304), ("*", 304), ("\"2\"", 200), ("\"7\", \"1\"", 304)]
    {
        let answer = stage.question(&path).header("if-none-match", tag).send().await.unwrap();
        assert_eq!(answer.status(), status, "{tag}");
        assert_eq!(header(&answer, "etag"), "\"1\"", "{tag}");
        assert_eq!(header(&answer, "consistency-token"), order.token, "{tag}");
    }
}

#[tokio::test]
async fn an_order_that_was_never_placed_is_not_found() {
    let stage = Stage::set().await;
    let answer = stage.question("/orders/01a1fc65-7735-701a-b609-546528c4018e").send().await.unwrap();
    assert_eq!(answer.status(), 404);
    assert_eq!(problem(answer).await, "order-not-found");
}
