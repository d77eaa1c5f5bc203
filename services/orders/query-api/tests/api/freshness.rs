use serde_json::Value;
use test_kit::eventually;

use crate::stage::{Stage, header, problem};

#[tokio::test]
async fn a_token_is_honoured_by_orders_and_by_lists() {
    let stage = Stage::set().await;
    for number in 0..20 {
        let customer = format!("c-{number}");
        let order = stage.place(&customer).await;
        let answer = stage.ask(&format!("/orders/{}", order.order_id), &order.token).await;
        assert_eq!(answer.status(), 200);

        let token = stage.cancel(&order.order_id).await;
        let answer = stage.ask(&format!("/orders?customer_id={customer}&status=cancelled"), &token).await;
        let page: Value = answer.json().await.unwrap();
        assert_eq!(page["orders"][0]["version"], 2);
    }
}

#[tokio::test]
async fn the_token_of_a_list_is_one_that_can_be_asked_for() {
    let stage = Stage::set().await;
    let mut last = String::new();
    for number in 0..10 {
        let order = stage.place(&format!("c-{number}")).await;
        last = header(&stage.ask("/orders", &order.token).await, "consistency-token");
    }
    assert!(last.contains(','), "ten orders are in more than one partition: {last}");
    assert_eq!(stage.ask("/orders", &last).await.status(), 200);
}

#[tokio::test]
async fn what_is_not_visible_in_time_is_refused_or_answered_as_it_is() {
    let mut stage = Stage::set().await;
    stage.projector.signal("KILL");
    stage.projector.ended().await;
    let order = stage.place("c-1001").await;
    let path = format!("/orders/{}", order.order_id);
    let question =
        || stage.question(&path).header("consistency-token", &order.token).header("prefer", "wait=0");

    let refused = question().send().await.unwrap();
    assert_eq!(refused.status(), 503);
    assert_eq!(header(&refused, "retry-after"), "1");
    assert_eq!(problem(refused).await, "not-yet-visible");

    let lenient = stage.question("/orders").header("consistency-token", &order.token);
    let lenient = lenient.header("prefer", "wait=0, handling=lenient").send().await.unwrap();
    assert_eq!(lenient.status(), 200);
    assert_eq!(header(&lenient, "preference-applied"), "wait=0, handling=lenient");
    assert_eq!(lenient.json::<Value>().await.unwrap()["orders"], Value::Array(Vec::new()));

    stage.projector.restart();
    eventually("the order is visible", || async { stage.ask(&path, &order.token).await.status() == 200 })
        .await;
}
