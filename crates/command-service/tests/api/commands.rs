//! A command over HTTP, from the request to the events.

use serde_json::json;
use uuid::Uuid;

use crate::{
    account::{ACCOUNTS, routes},
    support::{Instance, send},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_creates_answers_201_with_the_place_of_the_aggregate() {
    let api = Instance::ready(&ACCOUNTS, routes()).await;
    let id = Uuid::now_v7();
    let open = json!({ "account_id": id, "owner": "Ada" });
    let opened = send(api.post("/accounts", &open)).await.expect(201);
    assert_eq!(opened.header("location"), format!("/accounts/{id}"));
    assert_eq!(opened.header("etag"), "\"1\"");
    assert_eq!((opened.text("account_id"), &opened.body["version"]), (id.to_string().as_str(), &json!(1)));
    let [event] = <[_; 1]>::try_from(api.events()).unwrap();
    assert_eq!((event.key, event.headers["ce_type"].as_str()), (id.to_string(), "tests.bank.AccountOpened"));
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

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_changes_answers_200_unless_a_rule_refuses_it() {
    let api = Instance::ready(&ACCOUNTS, routes()).await;
    let opened = send(api.post("/accounts", &json!({ "owner": "Ada" }))).await.expect(201);
    let path = format!("{}/deposits", opened.header("location"));
    let deposited = send(api.post(&path, &json!({ "amount": 5 }))).await.expect(200);
    assert_eq!((&deposited.body["version"], deposited.header("etag")), (&json!(2), "\"2\""));
    assert_eq!(deposited.header("location"), "");
    let unknown = format!("/accounts/{}/deposits", Uuid::now_v7());
    send(api.post(&unknown, &json!({ "amount": 5 }))).await.problem(404, "account-not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_values_reach_no_rule() {
    let api = Instance::ready(&ACCOUNTS, routes()).await;
    let unknown = format!("/accounts/{}/deposits", Uuid::now_v7());
    for prefer in ["", "respond-async"] {
        let deposit = api.post(&unknown, &json!({ "amount": 0 })).header("prefer", prefer);
        let refused = send(deposit).await.problem(422, "invalid-values");
        assert_eq!(refused.body["errors"][0]["pointer"], "/amount");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_command_has_one_effect_and_the_same_answer() {
    let api = Instance::ready(&ACCOUNTS, routes()).await;
    let open = |owner: &str| api.post("/accounts", &json!({ "owner": owner })).header("idempotency-key", "k");
    let first = send(open("Ada")).await.expect(201);
    let again = send(open("Ada")).await.expect(201);
    assert_eq!((&again.body, again.header("location")), (&first.body, first.header("location")));
    assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), ("", "true"));
    send(open("Bob")).await.problem(422, "idempotency-key-reused");
    assert_eq!(api.events().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_for_another_version_is_refused_with_the_current_one() {
    let api = Instance::ready(&ACCOUNTS, routes()).await;
    let opened = send(api.post("/accounts", &json!({ "owner": "Ada" }))).await.expect(201);
    let path = format!("{}/deposits", opened.header("location"));
    let deposit = |version: &str| api.post(&path, &json!({ "amount": 5 })).header("if-match", version);
    let refused = send(deposit("\"2\"")).await.problem(412, "version-mismatch");
    assert_eq!((&refused.body["current_version"], refused.header("etag")), (&json!(1), "\"1\""));
    send(deposit("\"1\"")).await.expect(200);
    let create = json!({ "account_id": opened.text("account_id"), "owner": "Ada" });
    let create = api.post("/accounts", &create).header("if-none-match", "*");
    send(create).await.problem(412, "version-mismatch");
    assert_eq!(api.events().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_decided_survives_a_restart() {
    let api = Instance::ready(&ACCOUNTS, routes()).await;
    let open = json!({ "owner": "Ada" });
    let opened = send(api.post("/accounts", &open).header("idempotency-key", "k")).await.expect(201);
    let environment = api.environment.clone();
    api.stop().await;
    let api = Instance::start(environment, &ACCOUNTS, routes()).await;
    api.until_ready().await;
    let again = send(api.post("/accounts", &open).header("idempotency-key", "k")).await.expect(201);
    assert_eq!((&again.body, again.header("idempotency-replayed")), (&opened.body, "true"));
    let path = format!("{}/deposits", opened.header("location"));
    assert_eq!(send(api.post(&path, &json!({ "amount": 5 }))).await.expect(200).body["version"], 2);
}
