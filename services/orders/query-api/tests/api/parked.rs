use serde_json::Value;
use test_kit::eventually;

use crate::stage::{Stage, header, problem};

#[tokio::test]
async fn a_parked_order_is_told_as_it_was_and_says_since_when() {
    let stage = Stage::set().await;
    let (good, bad) = (stage.place("c-1001").await, stage.place("c-1001").await);
    let path = format!("/orders/{}", bad.order_id);
    assert_eq!(stage.ask(&path, &bad.token).await.status(), 200);
    let constraint = format!("CHECK (version < 2 OR order_id <> '{}')", bad.order_id);
    stage.execute_sql(&format!("ALTER TABLE orders ADD CONSTRAINT young {constraint}")).await;

    let token = stage.cancel(&bad.order_id).await;
    eventually("it says so", || async {
        let answer = stage.question(&path).send().await.unwrap();
        answer.status() == 200 && answer.headers().contains_key("behind-since")
    })
    .await;
    let answer = stage.question(&path).send().await.unwrap();
    assert_eq!(header(&answer, "behind-since"), token);
    assert_eq!(header(&answer, "etag"), "\"1\"");
    let own = header(&answer, "consistency-token");
    assert_eq!(stage.ask(&path, &own).await.status(), 200);

    let refused = stage.ask(&path, &token).await;
    assert_eq!(
        (refused.status(), header(&refused, "behind-since")),
        (503.try_into().unwrap(), token.clone())
    );
    assert_eq!(problem(refused).await, "not-yet-visible");
    let lenient = stage.question(&path).header("consistency-token", &token);
    let lenient = lenient.header("prefer", "handling=lenient").send().await.unwrap();
    assert_eq!(
        (lenient.status(), header(&lenient, "behind-since")),
        (200.try_into().unwrap(), token.clone())
    );

    let list = stage.ask("/orders?customer_id=c-1001", &token).await;
    assert_eq!(header(&list, "behind-since"), token);
    assert_eq!(list.json::<Value>().await.unwrap()["orders"].as_array().unwrap().len(), 2);
    let other = stage.ask(&format!("/orders/{}", good.order_id), &good.token).await;
    assert!(!other.headers().contains_key("behind-since"));

    stage.execute_sql("ALTER TABLE orders DROP CONSTRAINT young").await;
    stage.environment.foldline(&format!("parked show {token}"));
    stage.environment.foldline(&format!("parked retry --aggregate {}", bad.order_id));
    eventually("it is cancelled", || async { stage.ask(&path, &token).await.status() == 200 }).await;
    let answer = stage.ask(&path, &token).await;
    assert_eq!(
        (header(&answer, "etag"), answer.headers().contains_key("behind-since")),
        ("\"2\"".into(), false)
    );
}
