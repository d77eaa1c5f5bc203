use futures_util::future::join_all;
use reqwest::RequestBuilder;
use serde_json::json;
use uuid::Uuid;

use crate::support::{Api, address, address_path, cancel_path, order, reason, send};

fn change(api: &Api, order_id: Uuid, if_match: &str) -> RequestBuilder {
    api.post(&address_path(order_id), &address("Street 2")).header("if-match", if_match)
}

#[tokio::test]
async fn a_command_for_a_version_that_is_gone_is_not_followed_and_the_version_is_told() {
    let api = Api::ready().await;
    let id = api.place().await;
    send(change(&api, id, "\"1\"")).await.accepted(200);
    for stale in ["\"1\"", "\"3\"", "\"1\", \"3\"", "W/\"2\"", "\"02\""] {
        let cancel = api.post(&cancel_path(id), &reason()).header("if-match", stale);
        let answer = send(cancel).await;
        let problem = answer.problem(412, "version-mismatch");
        assert_eq!(problem["current_version"], 2, "{stale}");
        assert_eq!(answer.header("etag"), "\"2\"");
    }
    assert_eq!(api.seen().len(), 2);
    for current in ["\"1\", \"2\"", "*"] {
        let same = send(change(&api, id, current)).await.accepted(200);
        assert_eq!(same.version(), 2);
    }
}

#[tokio::test]
async fn a_condition_on_an_order_that_is_not_there_does_not_hold() {
    let api = Api::ready().await;
    for if_match in ["*", "\"1\""] {
        let answer = send(change(&api, Uuid::new_v4(), if_match)).await;
        assert_eq!(answer.problem(412, "version-mismatch")["current_version"], 0);
        assert_eq!(answer.header("etag"), "", "what is not there has no tag");
    }
    assert_eq!(api.seen().len(), 0);
}

#[tokio::test]
async fn an_order_is_placed_once_if_none_may_be_there() {
    let api = Api::ready().await;
    let mut order = order();
    order["order_id"] = json!(Uuid::new_v4());
    let place = || api.post("/orders", &order).header("if-none-match", "*");
    send(place()).await.accepted(201);
    let answer = send(place()).await;
    assert_eq!(answer.problem(412, "version-mismatch")["current_version"], 1);
    assert_eq!(api.seen().len(), 1);
}

#[tokio::test]
async fn a_repeated_command_is_answered_although_its_version_is_gone_by_its_own_doing() {
    let api = Api::ready().await;
    let id = api.place().await;
    let first = send(change(&api, id, "\"1\"").header("idempotency-key", "key")).await.accepted(200);
    let again = send(change(&api, id, "\"1\"").header("idempotency-key", "key")).await.accepted(200);
    assert_eq!(again.text, first.text);
}

#[tokio::test]
async fn conditions_that_cannot_be_read_or_do_not_fit_are_refused() {
    let api = Api::ready().await;
    let id = api.place().await;
    for malformed in ["1", "\"1", "\"1\" \"2\"", "", "w/\"1\""] {
        send(change(&api, id, malformed)).await.problem(400, "invalid-header");
    }
    let both = change(&api, id, "\"1\"").header("if-none-match", "*");
    send(both).await.problem(400, "invalid-header");
    let tag = api.post("/orders", &order()).header("if-none-match", "\"1\"");
    send(tag).await.problem(400, "invalid-header");
    assert_eq!(api.seen().len(), 1);
}

#[tokio::test]
async fn of_a_hundred_callers_who_know_the_same_version_one_is_followed() {
    let api = Api::ready().await;
    let id = api.place().await;
    let requests = (0..100).map(|number| {
        let elsewhere = address(&format!("Street {}", number + 2));
        send(api.post(&address_path(id), &elsewhere).header("if-match", "\"1\""))
    });
    let (generation_handle, others): (Vec<_>, Vec<_>) =
        join_all(requests).await.into_iter().partition(|answer| answer.status == 200);
    assert_eq!(generation_handle.len(), 1);
    for other in others {
        assert_eq!(other.problem(412, "version-mismatch")["current_version"], 2);
    }
    assert_eq!(api.seen_of(id).len(), 2);
}
