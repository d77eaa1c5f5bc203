//! Commands with `If-Match` and `If-None-Match`.

use futures_util::future::join_all;
use reqwest::RequestBuilder;
use serde_json::json;
use uuid::Uuid;

use crate::{answer::send, instance::Instance, shared};

/// Opens an account, and returns its id.
async fn open_account(api: &Instance) -> Uuid {
    send(api.post("/accounts", &json!({ "owner": "Ada" }))).await.expect(201).account_id()
}

fn deposit(api: &Instance, id: Uuid, if_match: &str) -> RequestBuilder {
    let deposits = format!("/accounts/{id}/deposits");
    api.post(&deposits, &json!({ "amount": 5 })).header("if-match", if_match)
}

#[tokio::test]
async fn a_command_for_an_outdated_version_is_refused_with_the_current_version() {
    let api = shared::api().await;
    let id = open_account(api).await;
    send(deposit(api, id, "\"1\"")).await.expect(200);
    for outdated in ["\"1\"", "\"3\"", "\"1\", \"3\"", "W/\"2\"", "\"02\""] {
        let refused = send(deposit(api, id, outdated)).await.problem(412, "version-mismatch");
        assert_eq!(refused.body["current_version"], 2, "{outdated}");
        assert_eq!(refused.header("etag"), "\"2\"");
    }
    assert_eq!(api.events_of(id).len(), 2);
    for (current, next) in [("\"1\", \"2\"", 3), ("*", 4)] {
        assert_eq!(send(deposit(api, id, current)).await.expect(200).body["version"], next);
    }
}

#[tokio::test]
async fn if_match_fails_for_an_aggregate_that_does_not_exist() {
    let (api, id) = (shared::api().await, Uuid::now_v7());
    for if_match in ["*", "\"1\""] {
        let refused = send(deposit(api, id, if_match)).await.problem(412, "version-mismatch");
        assert_eq!(refused.body["current_version"], 0);
        assert_eq!(refused.header("etag"), "", "an aggregate that does not exist has no entity tag");
    }
    assert_eq!(api.events_of(id).len(), 0);
}

#[tokio::test]
async fn if_none_match_lets_an_account_be_opened_only_once() {
    let (api, id) = (shared::api().await, Uuid::now_v7());
    let open = json!({ "account_id": id, "owner": "Ada" });
    let open = || api.post("/accounts", &open).header("if-none-match", "*");
    send(open()).await.expect(201);
    let refused = send(open()).await.problem(412, "version-mismatch");
    assert_eq!((&refused.body["current_version"], refused.header("etag")), (&json!(1), "\"1\""));
    assert_eq!(api.events_of(id).len(), 1);
}

#[tokio::test]
async fn a_retry_is_answered_although_its_own_command_changed_the_version() {
    let api = shared::api().await;
    let id = open_account(api).await;
    let deposit = || deposit(api, id, "\"1\"").header("idempotency-key", "key");
    let first = send(deposit()).await.expect(200);
    let repeated = send(deposit()).await.expect(200).replayed();
    assert_eq!(repeated.without_varying_headers(), first.without_varying_headers());
}

#[tokio::test]
async fn malformed_or_unsuitable_conditions_are_refused() {
    let api = shared::api().await;
    let id = open_account(api).await;
    for malformed in ["1", "\"1", "\"1\" \"2\"", "", "w/\"1\""] {
        send(deposit(api, id, malformed)).await.problem(400, "invalid-header");
    }
    let both = deposit(api, id, "\"1\"").header("if-none-match", "*");
    send(both).await.problem(400, "invalid-header");
    let new = Uuid::now_v7();
    let tag = api.post("/accounts", &json!({ "account_id": new, "owner": "Ada" }));
    send(tag.header("if-none-match", "\"1\"")).await.problem(400, "invalid-header");
    assert_eq!((api.events_of(id).len(), api.events_of(new).len()), (1, 0));
}

#[tokio::test]
async fn exactly_one_of_a_hundred_callers_with_the_same_version_succeeds() {
    let api = shared::api().await;
    let id = open_account(api).await;
    let requests = (0..100).map(|_| send(deposit(api, id, "\"1\"")));
    let (accepted, others): (Vec<_>, Vec<_>) =
        join_all(requests).await.into_iter().partition(|answer| answer.status == 200);
    assert_eq!(accepted.len(), 1);
    for other in others {
        assert_eq!(other.problem(412, "version-mismatch").body["current_version"], 2);
    }
    assert_eq!(api.events_of(id).len(), 2);
}
