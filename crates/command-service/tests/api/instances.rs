//! Two instances that share the shards: each accepts any command.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use test_kit::{ConsumedRecord, eventually};
use uuid::Uuid;

use crate::{
    answer::send,
    environment::{PARTITIONS, new_key},
    instance::Instance,
    respond_async::{assert_refused, send_async},
    shared::{self, Pair},
};

fn open(id: Uuid) -> Value {
    json!({ "account_id": id, "owner": "Ada" })
}

fn deposit(api: &Instance, id: Uuid, amount: usize) -> RequestBuilder {
    api.post(&format!("/accounts/{id}/deposits"), &json!({ "amount": amount }))
}

fn only_event(api: &Instance, id: Uuid) -> ConsumedRecord {
    let [event] = <[_; 1]>::try_from(api.events_of(id)).unwrap();
    event
}

#[tokio::test]
async fn any_instance_accepts_any_command() {
    let Pair { instances, .. } = shared::pair().await;
    let mut partitions = BTreeSet::new();
    let before = instances.each_ref().map(Instance::hops);
    for number in 0..40 {
        let (one, other) = (&instances[number % 2], &instances[(number + 1) % 2]);
        let id = Uuid::now_v7();
        let opened = send(one.post("/accounts", &open(id))).await.expect(201);
        partitions.insert(opened.body["position"]["partition"].as_i64().unwrap());
        send(deposit(other, id, 5)).await.expect(200);
        assert_eq!(send(deposit(one, id, 7)).await.expect(200).body["version"], 3);
        send(other.post("/accounts", &open(id))).await.problem(409, "account-already-opened");
        assert_eq!(one.events_of(id).len(), 3);
    }
    assert_eq!(partitions, (0..PARTITIONS.into()).collect());
    for (instance, before) in instances.iter().zip(before) {
        assert!(instance.hops() > before);
    }
    let metrics = shared::METRICS.render();
    assert!(metrics.contains("forward_hops_total{outcome=\"answered\"}"), "{metrics}");
}

#[tokio::test]
async fn a_forwarded_command_keeps_its_tracing_headers() {
    let pair = shared::pair().await;
    let api = &pair.instances[0];
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for id in [pair.id_owned_by(api), pair.id_not_owned_by(api)] {
        let request = api
            .post("/accounts", &open(id))
            .header("x-request-id", "request-1")
            .header("x-correlation-id", "conversation-1")
            .header("traceparent", traceparent);
        let answer = send(request).await.expect(201);
        assert_eq!(answer.header("x-request-id"), "request-1");
        let headers = only_event(api, id).headers;
        assert_eq!(headers["causation_id"], "request-1");
        assert_eq!(headers["correlation_id"], "conversation-1");
        assert_eq!(headers["traceparent"], traceparent);
    }
}

#[tokio::test]
async fn a_forwarded_command_keeps_the_request_id() {
    let pair = shared::pair().await;
    let api = &pair.instances[0];
    let id = pair.id_not_owned_by(api);
    let opened = send(api.post("/accounts", &open(id))).await.expect(201);
    assert_eq!(only_event(api, id).headers["causation_id"], opened.header("x-request-id"));
}

#[tokio::test]
async fn a_retry_through_the_other_instance_gets_an_identical_response() {
    let Pair { instances: [one, other], .. } = shared::pair().await;
    for _ in 0..10 {
        let keys = [new_key(), new_key(), new_key()];
        let with_key =
            |request: RequestBuilder, number: usize| send(request.header("idempotency-key", &keys[number]));
        // The account's id is derived from the key.
        let opened = with_key(one.post("/accounts", &json!({ "owner": "Ada" })), 0).await.expect(201);
        let id = opened.account_id();
        let five = with_key(deposit(other, id, 5), 1).await.expect(200);
        let seven = with_key(deposit(one, id, 7), 2).await.expect(200);
        let repeated = with_key(other.post("/accounts", &json!({ "owner": "Ada" })), 0).await;
        assert_eq!(repeated.replayed().without_varying_headers(), opened.without_varying_headers());
        assert_eq!(
            with_key(deposit(one, id, 5), 1).await.replayed().without_varying_headers(),
            five.without_varying_headers()
        );
        assert_eq!(
            with_key(deposit(other, id, 7), 2).await.replayed().without_varying_headers(),
            seven.without_varying_headers()
        );
        assert_eq!(one.events_of(id).len(), 3);
    }
}

#[tokio::test]
async fn exactly_one_of_a_hundred_concurrent_callers_on_two_instances_succeeds() {
    let Pair { instances, .. } = shared::pair().await;
    for _ in 0..4 {
        let id = Uuid::now_v7();
        send(instances[0].post("/accounts", &open(id))).await.expect(201);
        let requests = (0..100)
            .map(|number| send(deposit(&instances[number % 2], id, number + 1).header("if-match", "\"1\"")));
        let (accepted, refused_answers): (Vec<_>, Vec<_>) =
            join_all(requests).await.into_iter().partition(|answer| answer.status == 200);
        assert_eq!(accepted.len(), 1);
        for refused in refused_answers {
            let refused = refused.problem(412, "version-mismatch");
            assert_eq!((&refused.body["current_version"], refused.header("etag")), (&json!(2), "\"2\""));
        }
        assert_eq!(instances[0].events_of(id).len(), 2);
    }
}

#[tokio::test]
async fn a_hundred_callers_with_one_key_open_one_account_on_two_instances() {
    let Pair { instances, .. } = shared::pair().await;
    for _ in 0..4 {
        let (key, open) = (new_key(), json!({ "owner": "Ada" }));
        let callers = (0..100).map(|caller| {
            send(instances[caller % 2].post("/accounts", &open).header("idempotency-key", &key))
        });
        let answers = join_all(callers).await;
        let expected = answers[0].clone().without_varying_headers();
        for answer in answers {
            assert_eq!(answer.expect(201).without_varying_headers(), expected);
        }
        assert_eq!(instances[0].events_of(expected.account_id()).len(), 1);
    }
}

#[tokio::test]
async fn any_instance_accepts_an_asynchronous_command() {
    let Pair { instances, .. } = shared::pair().await;
    for number in 0..8 {
        let (one, other) = (&instances[number % 2], &instances[(number + 1) % 2]);
        let opened = send_async(one.post("/accounts", &json!({ "owner": "Ada" }))).await;
        let id = opened.account_id();
        let outcome = other.outcome(opened.header("location")).await;
        assert_eq!((outcome.text("status"), &outcome.body["version"]), ("accepted", &json!(1)));
        assert_eq!(outcome.text("account_id"), opened.text("account_id"));
        assert_eq!(outcome.body["events"][0]["type"], "AccountOpened");
        let position = &outcome.body["position"];
        let topic = position["topic"].as_str().unwrap();
        let token = format!("{topic}/{}@{}", position["partition"], position["offset"]);
        assert_eq!(outcome.header("consistency-token"), token);
        for version in [2, 3] {
            let deposited = send_async(deposit(other, id, version)).await;
            assert_eq!(one.outcome(deposited.header("location")).await.body["version"], version);
        }
        let repeated = send_async(other.post("/accounts", &open(id))).await;
        assert_refused(&one.outcome(repeated.header("location")).await, 409, "account-already-opened");
        assert_eq!(one.events_of(id).len(), 3);
    }
}

/// Starts its own pair, so that no requests of other tests are counted.
#[tokio::test(flavor = "multi_thread")]
async fn forged_forwarding_headers_cause_no_hop_and_change_nothing() {
    let pair = Pair::ready().await;
    let [api, other] = &pair.instances;
    let (id, identity) = (pair.id_not_owned_by(api), Uuid::now_v7().to_string());
    send(api.post("/accounts", &open(id))).await.expect(201);
    let (before, other_before) = (api.hops(), other.hops());
    assert!(other_before > 0);
    for (number, epoch) in (1..).zip(["", "0", "-1", "18446744073709551615"]) {
        for api in [api, other] {
            let forged = deposit(api, id, 5)
                .header("foldline-forwarded", &identity)
                .header("foldline-owner-epoch", epoch)
                .header("foldline-timeout-ms", "99999999");
            let refused = send(forged).await.problem(503, "not-ready");
            assert_eq!(refused.header("foldline-not-here"), "true");
        }
        assert_eq!(api.hops(), before + number, "only the requests of this test");
        assert_eq!(other.hops(), other_before + number, "only the requests of this test");
    }
    let before = other.hops();
    let malformed = deposit(api, id, 5).header("foldline-forwarded", "nonsense");
    send(malformed.header("foldline-timeout-ms", "0")).await.expect(200);
    assert_eq!(other.hops(), before + 1);
    assert_eq!(api.events_of(id).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shards_of_an_instance_that_stops_move_to_the_other_without_refusals() {
    let Pair { instances: [one, other], .. } = Pair::ready().await;
    let opened = send(one.post("/accounts", &json!({ "owner": "Ada" }))).await.expect(201);
    let id = opened.account_id();
    one.stop().await;
    for number in 2..12 {
        let deposited = send(deposit(&other, id, 5)).await.expect(200);
        assert_eq!(deposited.body["version"], number);
        send(other.post("/accounts", &json!({ "owner": "Bob" }))).await.expect(201);
    }
    eventually("the remaining instance is ready", || async { other.health.is_ready() }).await;
}
