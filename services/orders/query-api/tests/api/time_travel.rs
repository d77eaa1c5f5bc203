use serde_json::{Value, json};
use test_kit::eventually;

use crate::services::{Services, header, problem};

#[tokio::test]
async fn an_order_can_be_queried_as_of_a_version_or_time() {
    let services = Services::start().await;
    let order = services.place("c-1001").await;
    let path = format!("/orders/{}", order.order_id);
    let placed: Value = services.get_with_token(&path, &order.token).await.json().await.unwrap();
    let token = services.cancel(&order.order_id).await;

    for query in ["version=1".to_owned(), format!("as_of={}", placed["placed_at"].as_str().unwrap())] {
        let path = format!("{path}?{query}");
        let answer = services.get_with_token(&path, &token).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(header(&answer, "etag"), "\"1\"");
        assert_eq!(header(&answer, "consistency-token"), token);
        assert_eq!(answer.json::<Value>().await.unwrap(), placed);
        let unchanged = services.get(&path).header("if-none-match", "\"1\"").send().await.unwrap();
        assert_eq!(unchanged.status(), 304);
    }
}

#[tokio::test]
async fn a_version_or_time_at_which_the_order_does_not_exist_is_not_found() {
    let services = Services::start().await;
    let order = services.place("c-1001").await;
    let path = format!("/orders/{}", order.order_id);
    for query in ["version=2", "as_of=2000-01-01T00:00:00Z"] {
        let answer = services.get_with_token(&format!("{path}?{query}"), &order.token).await;
        assert_eq!(answer.status(), 404, "{query}");
        assert_eq!(problem(answer).await, "order-version-not-found", "{query}");
    }
    for query in ["?version=1", "?as_of=2000-01-01T00:00:00Z", "/history"] {
        let answer = services.get(&format!("/orders/01a1fc65-7735-701a-b609-546528c4018e{query}"));
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), 404, "{query}");
        assert_eq!(problem(answer).await, "order-not-found", "{query}");
    }
    let page = services.get("/problems/order-version-not-found").send().await.unwrap();
    assert_eq!(page.status(), 200);
}

#[tokio::test]
async fn queries_about_the_past_honour_consistency_tokens() {
    let mut services = Services::start().await;
    services.projector.signal("KILL");
    services.projector.ended().await;
    let order = services.place("c-1001").await;
    for path in ["?version=1", "?as_of=2100-01-01T00:00:00Z", "/history"] {
        let path = format!("/orders/{}{path}", order.order_id);
        let request = || services.get(&path).header("consistency-token", &order.token);
        let strict = request().header("prefer", "wait=0").send().await.unwrap();
        assert_eq!((strict.status().as_u16(), problem(strict).await.as_str()), (503, "not-yet-visible"));
        let lenient = request().header("prefer", "wait=0, handling=lenient").send().await.unwrap();
        assert_eq!((lenient.status().as_u16(), problem(lenient).await.as_str()), (404, "order-not-found"));
    }
}

#[tokio::test]
async fn a_history_contains_all_events_in_order() {
    let services = Services::start().await;
    let order = services.place("c-1001").await;
    for city in ["Hamburg", "Bremen", "Kiel"] {
        services.deliver_to(&order.order_id, city).await;
    }
    let token = services.cancel(&order.order_id).await;
    let mut next = Some(format!("/orders/{}/history?limit=2", order.order_id));
    let (mut pages, mut all_events) = (Vec::new(), Vec::new());
    while let Some(path) = next {
        let answer = services.get_with_token(&path, &token).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(header(&answer, "consistency-token"), token);
        next = answer.headers().get("link").map(|link| {
            let link = link.to_str().unwrap().strip_suffix(">; rel=\"next\"").unwrap();
            link.strip_prefix('<').unwrap().to_owned()
        });
        let page: Value = answer.json().await.unwrap();
        let events = page["events"].as_array().unwrap().clone();
        pages.push(events.len());
        all_events.extend(events);
    }
    assert_eq!(pages, [2, 2, 1]);
    let versions: Vec<_> = all_events.iter().map(|event| event["version"].as_i64().unwrap()).collect();
    assert_eq!(versions, [1, 2, 3, 4, 5]);
    assert_eq!(all_events[0]["type"], "OrderPlaced");
    assert_eq!(all_events[2]["data"]["delivery_address"]["city"], "Bremen");
    let last = all_events[4]["position"]["offset"].as_i64().unwrap();
    assert_eq!(token.rsplit('@').next().unwrap(), last.to_string());
    for name in ["id", "occurred_at", "actor", "command_id", "correlation_id", "causation_id"] {
        assert!(all_events[4][name].as_str().is_some_and(|text| !text.is_empty()), "{name}");
    }
}

#[tokio::test]
async fn an_event_missing_from_the_journal_is_reported() {
    let services = Services::start().await;
    let order = services.place("c-1001").await;
    let token = services.deliver_to(&order.order_id, "Hamburg").await;
    let path = format!("/orders/{}", order.order_id);
    assert_eq!(services.get_with_token(&format!("{path}?version=2"), &token).await.status(), 200);

    services.execute_sql("DELETE FROM journal WHERE version = 2").await;
    let token = services.cancel(&order.order_id).await;
    // The next event cannot follow the gap, so it is parked.
    for (query, missing) in [("version=2", 2), ("version=3", 2), ("as_of=2100-01-01T00:00:00Z", 2)] {
        let answer = services.get_with_token(&format!("{path}?{query}"), &token).await;
        assert_eq!(answer.status(), 500, "{query}");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["type"], "/problems/order-history-incomplete");
        assert_eq!(problem["missing_version"], json!(missing));
    }
    assert_eq!(services.get_with_token(&format!("{path}?version=1"), &token).await.status(), 200);
    assert_eq!(services.get_with_token(&path, &token).await.status(), 200);
    eventually("the projector is ready", || services.projector.is_ready()).await;
}
