use serde_json::Value;
use test_kit::eventually;

use crate::services::{Services, header, problem};

#[tokio::test]
async fn a_token_is_honoured_for_orders_and_lists() {
    let services = Services::start().await;
    for number in 0..20 {
        let customer = format!("c-{number}");
        let order = services.place(&customer).await;
        let answer = services.get_with_token(&format!("/orders/{}", order.order_id), &order.token).await;
        assert_eq!(answer.status(), 200);

        let token = services.cancel(&order.order_id).await;
        let answer = services
            .get_with_token(&format!("/orders?customer_id={customer}&status=cancelled"), &token)
            .await;
        let page: Value = answer.json().await.unwrap();
        assert_eq!(page["orders"][0]["version"], 2);
    }
}

#[tokio::test]
async fn the_token_of_a_list_can_be_sent_with_a_query() {
    let services = Services::start().await;
    let mut token = String::new();
    for number in 0..10 {
        let order = services.place(&format!("c-{number}")).await;
        token = header(&services.get_with_token("/orders", &order.token).await, "consistency-token");
    }
    assert!(token.contains(','), "ten orders are in more than one partition: {token}");
    assert_eq!(services.get_with_token("/orders", &token).await.status(), 200);
}

#[tokio::test]
async fn a_query_whose_write_is_not_visible_in_time_is_refused_or_answered_leniently() {
    let mut services = Services::start().await;
    services.projector.signal("KILL");
    services.projector.ended().await;
    let order = services.place("c-1001").await;
    let path = format!("/orders/{}", order.order_id);
    let request = || services.get(&path).header("consistency-token", &order.token).header("prefer", "wait=0");

    let refused = request().send().await.unwrap();
    assert_eq!(refused.status(), 503);
    assert_eq!(header(&refused, "retry-after"), "1");
    assert_eq!(problem(refused).await, "not-yet-visible");

    let lenient = services.get("/orders").header("consistency-token", &order.token);
    let lenient = lenient.header("prefer", "wait=0, handling=lenient").send().await.unwrap();
    assert_eq!(lenient.status(), 200);
    assert_eq!(header(&lenient, "preference-applied"), "wait=0, handling=lenient");
    assert_eq!(lenient.json::<Value>().await.unwrap()["orders"], Value::Array(Vec::new()));

    services.projector.restart();
    eventually("the order is visible", || async {
        services.get_with_token(&path, &order.token).await.status() == 200
    })
    .await;
}
