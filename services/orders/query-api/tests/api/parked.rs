use serde_json::Value;
use test_kit::eventually;

use crate::services::{Services, header, problem};

#[tokio::test]
async fn a_parked_order_is_shown_unchanged_with_the_position_of_its_first_parked_event() {
    let services = Services::start().await;
    let (healthy, parked) = (services.place("c-1001").await, services.place("c-1001").await);
    let path = format!("/orders/{}", parked.order_id);
    assert_eq!(services.get_with_token(&path, &parked.token).await.status(), 200);
    let constraint = format!("CHECK (version < 2 OR order_id <> '{}')", parked.order_id);
    services.execute_sql(&format!("ALTER TABLE orders ADD CONSTRAINT first_version_only {constraint}")).await;

    let token = services.cancel(&parked.order_id).await;
    eventually("the response says that the order is behind", || async {
        let answer = services.get(&path).send().await.unwrap();
        answer.status() == 200 && answer.headers().contains_key("behind-since")
    })
    .await;
    let answer = services.get(&path).send().await.unwrap();
    assert_eq!(header(&answer, "behind-since"), token);
    assert_eq!(header(&answer, "etag"), "\"1\"");
    let own_token = header(&answer, "consistency-token");
    assert_eq!(services.get_with_token(&path, &own_token).await.status(), 200);

    let refused = services.get_with_token(&path, &token).await;
    assert_eq!(
        (refused.status(), header(&refused, "behind-since")),
        (503.try_into().unwrap(), token.clone())
    );
    assert_eq!(problem(refused).await, "not-yet-visible");
    let lenient = services.get(&path).header("consistency-token", &token);
    let lenient = lenient.header("prefer", "handling=lenient").send().await.unwrap();
    assert_eq!(
        (lenient.status(), header(&lenient, "behind-since")),
        (200.try_into().unwrap(), token.clone())
    );

    let list = services.get_with_token("/orders?customer_id=c-1001", &token).await;
    assert_eq!(header(&list, "behind-since"), token);
    assert_eq!(list.json::<Value>().await.unwrap()["orders"].as_array().unwrap().len(), 2);
    let other = services.get_with_token(&format!("/orders/{}", healthy.order_id), &healthy.token).await;
    assert!(!other.headers().contains_key("behind-since"));

    services.execute_sql("ALTER TABLE orders DROP CONSTRAINT first_version_only").await;
    services.environment.foldline(&format!("parked show {token}"));
    services.environment.foldline(&format!("parked retry --aggregate {}", parked.order_id));
    eventually("the order is cancelled", || async {
        services.get_with_token(&path, &token).await.status() == 200
    })
    .await;
    let answer = services.get_with_token(&path, &token).await;
    assert_eq!(
        (header(&answer, "etag"), answer.headers().contains_key("behind-since")),
        ("\"2\"".into(), false)
    );
}
