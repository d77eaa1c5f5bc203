//! The guarantees of the platform for every command, each tested once with the commands of orders.

use reqwest::RequestBuilder;
use serde_json::{Value, json};
use test_kit::eventually_some;

use crate::support::{Answer, Api, address, address_path, cancel_path, order, reason, send};

/// Removes the headers that differ between a response and its replay.
fn without_varying_headers(mut answer: Answer) -> Answer {
    for name in ["date", "x-request-id", "idempotency-replayed"] {
        answer.headers.remove(name);
    }
    answer
}

#[tokio::test]
async fn a_retry_gets_an_identical_response_even_after_a_crash() {
    let mut api = Api::ready().await;
    let with_key = |api: &Api, path: &str, body: &Value, key: &str| {
        send(api.post(path, body).header("idempotency-key", key))
    };
    let placed = with_key(&api, "/orders", &order(), "place").await.expect_status(201);
    let id = placed.order_id();
    let changed = with_key(&api, &address_path(id), &address("Street 2"), "move").await.expect_status(200);
    let cancelled = with_key(&api, &cancel_path(id), &reason(), "cancel").await.expect_status(200);
    for _ in 0..2 {
        let repeated = [
            with_key(&api, "/orders", &order(), "place").await,
            with_key(&api, &address_path(id), &address("Street 2"), "move").await,
            with_key(&api, &cancel_path(id), &reason(), "cancel").await,
        ];
        for (repeated, first) in repeated.into_iter().zip([&placed, &changed, &cancelled]) {
            assert_eq!(repeated.header("idempotency-replayed"), "true");
            assert_eq!(without_varying_headers(repeated), without_varying_headers(first.clone()));
        }
        api.service.kill_and_restart().await;
        api.service.until_ready().await;
    }
    assert_eq!(api.events().len(), 3);
}

#[tokio::test]
async fn a_command_for_an_outdated_version_is_refused_with_the_current_version() {
    let api = Api::ready().await;
    let mut order = order();
    order["order_id"] = json!(api.place().await);
    let id = order["order_id"].as_str().unwrap().parse().unwrap();
    let change =
        |if_match: &str| api.post(&address_path(id), &address("Street 2")).header("if-match", if_match);
    send(change("\"1\"")).await.expect_status(200);
    for request in [
        change("\"1\""),
        api.post(&cancel_path(id), &reason()).header("if-match", "\"1\""),
        api.post("/orders", &order).header("if-none-match", "*"),
    ] {
        let answer = send(request).await;
        assert_eq!(answer.problem(412, "version-mismatch")["current_version"], 2);
        assert_eq!(answer.header("etag"), "\"2\"");
    }
    assert_eq!(api.events().len(), 2);
    for current in ["\"1\", \"2\"", "*"] {
        let unchanged = send(change(current)).await.expect_status(200);
        assert_eq!(unchanged.version(), 2);
    }
}

/// Sends a command with `Prefer: respond-async`, and waits for its outcome.
async fn outcome(api: &Api, request: RequestBuilder) -> Value {
    let accepted = send(request.header("prefer", "respond-async")).await.expect_status(202);
    let location = accepted.header("location");
    eventually_some(format!("{location} has an outcome"), || async {
        let outcome = api.get(location).await.expect_status(200).body();
        (outcome["status"] != "pending").then_some(outcome)
    })
    .await
}

#[tokio::test]
async fn every_command_can_be_asynchronous() {
    let api = Api::ready().await;
    let placed = outcome(&api, api.post("/orders", &order())).await;
    assert_eq!((&placed["status"], &placed["version"]), (&json!("accepted"), &json!(1)));
    assert_eq!(placed["events"][0]["type"], "OrderPlaced");
    let id = placed["order_id"].as_str().unwrap().parse().unwrap();
    let changed = outcome(&api, api.post(&address_path(id), &address("Street 2"))).await;
    assert_eq!((&changed["status"], &changed["version"]), (&json!("accepted"), &json!(2)));
    let cancelled = outcome(&api, api.post(&cancel_path(id), &reason())).await;
    assert_eq!((&cancelled["status"], &cancelled["version"]), (&json!("accepted"), &json!(3)));
    let refused = outcome(&api, api.post(&cancel_path(id), &reason())).await;
    assert_eq!(refused["status"], "refused");
    assert_eq!(refused["problem"]["type"], "/problems/order-already-cancelled");
    assert_eq!(refused["problem"]["status"], 422);
    assert_eq!(api.events_of(id).len(), 3);
}

#[tokio::test]
async fn every_instance_accepts_every_command() {
    let instances = Api::pair().await;
    for number in 0..40 {
        let (one, other) = (&instances[number % 2], &instances[(number + 1) % 2]);
        let id = one.place().await;
        send(other.post(&address_path(id), &address("Street 2"))).await.expect_status(200);
        let cancelled = send(one.post(&cancel_path(id), &reason())).await.expect_status(200);
        assert_eq!(cancelled.version(), 3);
        send(other.post(&cancel_path(id), &reason())).await.problem(422, "order-already-cancelled");
    }
    assert_eq!(instances[0].events().len(), 120);
    for api in &instances {
        assert!(api.hops().await > 0);
    }
}
