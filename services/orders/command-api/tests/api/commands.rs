use serde_json::json;
use test_kit::ConsumedRecord;
use uuid::Uuid;

use crate::support::{Answer, Api, address, address_path, cancel_path, order, reason, send};

/// Asserts that the response matches the event in the log.
fn assert_matches(answer: &Answer, event: &ConsumedRecord, topic: &str, event_type: &str) {
    let header = |name: &str| event.headers[name].as_str();
    let version: u64 = header("aggregate_version").parse().unwrap();
    let expected = json!({
        "order_id": event.key,
        "version": version,
        "events": [{ "type": event_type, "id": header("ce_id") }],
        "position": { "topic": topic, "partition": event.partition, "offset": event.offset },
    });
    assert_eq!(answer.body(), expected);
    assert_eq!(answer.header("etag"), format!("\"{version}\""));
    let token = format!("{topic}/{}@{}", event.partition, event.offset);
    assert_eq!(answer.header("consistency-token"), token);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("idempotency-replayed"), "");
    assert_eq!(header("ce_type"), format!("foldline.orders.{event_type}"));
    assert_eq!((header("ce_source"), header("ce_subject")), ("/orders/order", event.key.as_str()));
    assert_eq!(header("causation_id"), answer.header("x-request-id"));
    assert!(header("owner_epoch").parse::<u64>().unwrap() > 0);
}

#[tokio::test]
async fn every_command_returns_its_events_and_they_are_in_the_log() {
    let api = Api::ready().await;
    let topic = api.environment.topic("orders.events");
    let placed = send(api.post("/orders", &order())).await.expect_status(201);
    let id = placed.order_id();
    assert_eq!(placed.header("location"), format!("/orders/{id}"));
    let changed = send(api.post(&address_path(id), &address("Street 2"))).await.expect_status(200);
    let cancelled = send(api.post(&cancel_path(id), &reason())).await.expect_status(200);
    for later in [&changed, &cancelled] {
        assert_eq!(later.header("location"), "");
    }
    let seen = api.events();
    assert_eq!(seen.len(), 3, "{seen:?}");
    assert_matches(&placed, &seen[0], &topic, "OrderPlaced");
    assert_matches(&changed, &seen[1], &topic, "DeliveryAddressChanged");
    assert_matches(&cancelled, &seen[2], &topic, "OrderCancelled");
    let commands: std::collections::BTreeSet<_> =
        seen.iter().map(|event| event.headers["command_id"].parse::<Uuid>().unwrap()).collect();
    assert_eq!(commands.len(), 3, "every request is a separate command");
}

#[tokio::test]
async fn a_caller_may_choose_the_id_of_an_order_unless_it_is_taken() {
    let api = Api::ready().await;
    let id = Uuid::new_v4();
    let mut order = order();
    order["order_id"] = json!(id);
    let placed = send(api.post("/orders", &order)).await.expect_status(201);
    assert_eq!(placed.order_id(), id);
    send(api.post("/orders", &order)).await.problem(409, "order-already-placed");
    assert_eq!(api.events().len(), 1);
}

#[tokio::test]
async fn a_command_that_changes_nothing_is_accepted_without_an_event() {
    let api = Api::ready().await;
    let placed = send(api.post("/orders", &order())).await.expect_status(201);
    let path = address_path(placed.order_id());
    let unchanged = send(api.post(&path, &address("Street 1"))).await.expect_status(200);
    assert_eq!(unchanged.body()["events"], json!([]));
    assert_eq!(unchanged.version(), 1);
    for header in ["etag", "consistency-token"] {
        assert_eq!(unchanged.header(header), placed.header(header), "{header}");
    }
    assert_eq!(api.events().len(), 1);
}

#[tokio::test]
async fn an_event_carries_the_tracing_headers_of_its_request() {
    let api = Api::ready().await;
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let request = api
        .post("/orders", &order())
        .header("x-request-id", "request-1")
        .header("x-correlation-id", "conversation-1")
        .header("traceparent", traceparent);
    let answer = send(request).await.expect_status(201);
    assert_eq!(answer.header("x-request-id"), "request-1");
    let headers = &api.events()[0].headers;
    for (name, expected) in [
        ("causation_id", "request-1"),
        ("correlation_id", "conversation-1"),
        ("traceparent", traceparent),
        ("actor", "anonymous"),
    ] {
        assert_eq!(headers[name], expected, "{name}");
    }
}
