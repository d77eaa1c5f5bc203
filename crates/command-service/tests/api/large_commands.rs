//! Commands that are larger than a record of the log may be, or whose events are.

use std::num::NonZeroUsize;

use reqwest::RequestBuilder;
use serde_json::json;

use crate::{
    account::{ACCOUNTS, routes},
    answer::send,
    environment::prepared,
    instance::Instance,
    respond_async::{assert_refused, send_async},
};

/// An instance that accepts large bodies.
async fn ready() -> Instance {
    let environment = prepared(&ACCOUNTS).await;
    let api = Instance::start_with(environment, &ACCOUNTS, routes(), |settings| {
        settings.http.limits.max_body_bytes = NonZeroUsize::new(2_000_000).unwrap();
    })
    .await;
    api.until_ready().await;
    api
}

/// Opens an account whose owner has a name of this many bytes.
fn open(api: &Instance, length: usize) -> RequestBuilder {
    api.post("/accounts", &json!({ "owner": "x".repeat(length) }))
}

/// The number of claims: each leads to an announcement.
fn claims(api: &Instance) -> usize {
    api.records("owners").len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_whose_event_is_too_large_is_refused_and_nothing_is_claimed_again() {
    let api = ready().await;
    let before = claims(&api);
    send(open(&api, 1_100_000)).await.problem(422, "event-too-large");
    // The command fits in a record, its event does not.
    let sent = send_async(open(&api, 999_300)).await;
    let outcome = api.outcome(sent.header("location")).await;
    assert_refused(&outcome, 422, "event-too-large");
    // A command after it in the same partition is decided.
    let id = sent.account_id();
    let smaller = json!({ "account_id": id, "owner": "Ada" });
    let accepted = api.outcome(send_async(api.post("/accounts", &smaller)).await.header("location")).await;
    assert_eq!(accepted.text("status"), "accepted");
    assert_eq!(api.events().len(), 1);
    assert_eq!(claims(&api), before);
    api.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_asynchronous_command_that_is_too_large_is_refused_at_once() {
    let api = ready().await;
    let request = open(&api, 1_100_000).header("prefer", "respond-async");
    send(request).await.problem(413, "payload-too-large");
    send_async(open(&api, 10)).await;
    api.stop().await;
}
