//! Commands that are decided later.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    account::{ACCOUNTS, routes},
    support::{Answer, Instance, send},
};

async fn later(api: &Instance, path: &str, body: &Value) -> Answer {
    let accepted = send(api.post(path, body).header("prefer", "respond-async")).await.expect(202);
    assert_eq!(accepted.header("preference-applied"), "respond-async");
    assert_eq!(accepted.text("status"), "pending");
    assert_eq!(accepted.header("location"), format!("/commands/{}", accepted.text("command_id")));
    accepted
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outcome_of_a_command_that_is_decided_later_is_that_of_one_decided_at_once() {
    let api = Instance::ready(&ACCOUNTS, routes()).await;
    let accepted = later(&api, "/accounts", &json!({ "owner": "Ada" })).await;
    let outcome = api.outcome(accepted.header("location")).await;
    assert_eq!(outcome.text("status"), "accepted");
    assert_eq!(outcome.text("account_id"), accepted.text("account_id"));
    assert_eq!(
        (&outcome.body["version"], &outcome.body["events"][0]["type"]),
        (&json!(1), &json!("AccountOpened"))
    );
    let position = &outcome.body["position"];
    let topic = position["topic"].as_str().unwrap();
    let token = format!("{topic}/{}@{}", position["partition"], position["offset"]);
    assert_eq!(outcome.header("consistency-token"), token);
    let path = format!("/accounts/{}/deposits", accepted.text("account_id"));
    assert_eq!(send(api.post(&path, &json!({ "amount": 5 }))).await.expect(200).body["version"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_refused_later_has_the_same_problem_as_at_once() {
    let api = Instance::ready(&ACCOUNTS, routes()).await;
    let path = format!("/accounts/{}/deposits", Uuid::now_v7());
    let accepted = later(&api, &path, &json!({ "amount": 5 })).await;
    let outcome = api.outcome(accepted.header("location")).await;
    assert_eq!(outcome.text("status"), "refused");
    let at_once = send(api.post(&path, &json!({ "amount": 5 }))).await.problem(404, "account-not-found");
    for member in ["type", "title", "status", "detail"] {
        assert_eq!(outcome.body["problem"][member], at_once.body[member], "{member}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_command_has_no_outcome() {
    let api = Instance::ready(&ACCOUNTS, routes()).await;
    api.get(&format!("/commands/{}", Uuid::now_v7())).await.problem(404, "not-found");
}
