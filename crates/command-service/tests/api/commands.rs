//! Commands over HTTP, from the request to the events.

use serde_json::json;
use uuid::Uuid;

use crate::{
    account::{ACCOUNTS, routes},
    answer::send,
    instance::Instance,
    shared,
};

#[tokio::test]
async fn a_command_that_creates_an_aggregate_returns_201_with_its_location() {
    let (api, id) = (shared::api().await, Uuid::now_v7());
    let open = json!({ "account_id": id, "owner": "Ada" });
    let opened = send(api.post("/accounts", &open)).await.expect(201);
    assert_eq!(opened.header("location"), format!("/accounts/{id}"));
    assert_eq!(opened.header("etag"), "\"1\"");
    assert_eq!((opened.text("account_id"), &opened.body["version"]), (id.to_string().as_str(), &json!(1)));
    let [event] = <[_; 1]>::try_from(api.events_of(id)).unwrap();
    assert_eq!(event.headers["ce_type"], "tests.bank.AccountOpened");
    assert_eq!(opened.body["events"], json!([{ "type": "AccountOpened", "id": event.headers["ce_id"] }]));
    let position = &opened.body["position"];
    assert_eq!(
        (&position["partition"], &position["offset"]),
        (&json!(event.partition), &json!(event.offset))
    );
    let token = format!("{}/{}@{}", position["topic"].as_str().unwrap(), event.partition, event.offset);
    assert_eq!(opened.header("consistency-token"), token);
    send(api.post("/accounts", &open)).await.problem(409, "account-already-opened");
}

#[tokio::test]
async fn a_command_that_changes_an_aggregate_returns_200_unless_a_rule_refuses_it() {
    let api = shared::api().await;
    let opened = send(api.post("/accounts", &json!({ "owner": "Ada" }))).await.expect(201);
    let path = format!("{}/deposits", opened.header("location"));
    let deposited = send(api.post(&path, &json!({ "amount": 5 }))).await.expect(200);
    assert_eq!((&deposited.body["version"], deposited.header("etag")), (&json!(2), "\"2\""));
    assert_eq!(deposited.header("location"), "");
    let unknown = format!("/accounts/{}/deposits", Uuid::now_v7());
    send(api.post(&unknown, &json!({ "amount": 5 }))).await.problem(404, "account-not-found");
}

#[tokio::test]
async fn invalid_values_are_refused_before_the_rules() {
    let api = shared::api().await;
    let unknown = format!("/accounts/{}/deposits", Uuid::now_v7());
    for prefer in ["", "respond-async"] {
        let deposit = api.post(&unknown, &json!({ "amount": 0 })).header("prefer", prefer);
        let refused = send(deposit).await.problem(422, "invalid-values");
        assert_eq!(refused.body["errors"][0]["pointer"], "/amount");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_survive_a_restart() {
    let api = Instance::ready(&ACCOUNTS, routes()).await;
    let open = json!({ "owner": "Ada" });
    let opened = send(api.post("/accounts", &open).header("idempotency-key", "k")).await.expect(201);
    let environment = api.environment.clone();
    api.stop().await;
    let api = Instance::start(environment, &ACCOUNTS, routes()).await;
    api.until_ready().await;
    let repeated = send(api.post("/accounts", &open).header("idempotency-key", "k")).await.replayed();
    assert_eq!(repeated.body, opened.body);
    let path = format!("{}/deposits", opened.header("location"));
    assert_eq!(send(api.post(&path, &json!({ "amount": 5 }))).await.expect(200).body["version"], 2);
}
