//! Asynchronous commands: sent with `Prefer: respond-async`, or through Kafka by another program.

use event_log::partition_of;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use test_kit::{ConsumedRecord, ForeignRecord};
use uuid::Uuid;

use crate::{
    answer::{Answer, send},
    environment::{PARTITIONS, new_key},
    instance::Instance,
    shared,
};

/// Sends a command with `Prefer: respond-async`.
pub(crate) async fn send_async(request: RequestBuilder) -> Answer {
    let accepted = send(request.header("prefer", "respond-async")).await.expect(202);
    assert_eq!(accepted.header("preference-applied"), "respond-async");
    assert_eq!(accepted.text("status"), "pending");
    assert_eq!(accepted.header("location"), format!("/commands/{}", accepted.text("command_id")));
    accepted
}

/// Asserts that an outcome is refused with this problem, and returns the problem.
#[track_caller]
pub(crate) fn assert_refused<'o>(outcome: &'o Answer, status: u16, code: &str) -> &'o Value {
    let problem = &outcome.body["problem"];
    assert_eq!(outcome.text("status"), "refused", "{}", outcome.body);
    assert_eq!((&problem["status"], &problem["type"]), (&json!(status), &json!(format!("/problems/{code}"))));
    problem
}

fn deposits(id: Uuid) -> String {
    format!("/accounts/{id}/deposits")
}

/// Writes a record to the commands of an account's partition, and returns its position.
pub(crate) async fn write(api: &Instance, id: Uuid, record: ForeignRecord<'_>) -> String {
    let (topic, partition) = (api.topic("commands"), partition_of(&id.into(), PARTITIONS));
    let offset = record.write(&api.environment.servers.brokers, &topic, partition).await;
    format!("{topic}/{partition}@{offset}")
}

#[tokio::test]
async fn an_asynchronous_refusal_has_the_same_problem_as_a_synchronous_one() {
    let (api, deposits) = (shared::api().await, deposits(Uuid::now_v7()));
    let deposit = || api.post(&deposits, &json!({ "amount": 5 }));
    let accepted = send_async(deposit()).await;
    let outcome = api.outcome(accepted.header("location")).await;
    let problem = assert_refused(&outcome, 404, "account-not-found");
    let synchronous = send(deposit()).await.problem(404, "account-not-found");
    for member in ["type", "title", "status", "detail"] {
        assert_eq!(problem[member], synchronous.body[member], "{member}");
    }
}

#[tokio::test]
async fn a_command_has_one_effect_and_one_location_whether_or_not_it_is_asynchronous() {
    let (api, key) = (shared::api().await, new_key());
    let open = || api.post("/accounts", &json!({ "owner": "Ada" })).header("idempotency-key", &key);
    let (first, second) = (send_async(open()).await, send_async(open()).await);
    assert_eq!(first.header("location"), second.header("location"));
    let outcome = api.outcome(first.header("location")).await;
    let synchronous = send(open()).await.expect(201).replayed();
    for member in ["account_id", "version", "events", "position"] {
        assert_eq!(synchronous.body[member], outcome.body[member], "{member}");
    }
    assert_eq!(api.events_of(synchronous.account_id()).len(), 1);
}

#[tokio::test]
async fn a_condition_is_checked_when_the_command_is_decided() {
    let api = shared::api().await;
    let opened = send(api.post("/accounts", &json!({ "owner": "Ada" }))).await.expect(201);
    let deposits = deposits(opened.account_id());
    let deposit = |version: &str| api.post(&deposits, &json!({ "amount": 5 })).header("if-match", version);
    let outcome = api.outcome(send_async(deposit("\"2\"")).await.header("location")).await;
    assert_eq!(assert_refused(&outcome, 412, "version-mismatch")["current_version"], 1);
    let outcome = api.outcome(send_async(deposit("\"1\"")).await.header("location")).await;
    assert_eq!(outcome.body["version"], 2);
    let open = api.post("/accounts", &json!({ "owner": "Bob" })).header("if-none-match", "*");
    let outcome = api.outcome(send_async(open).await.header("location")).await;
    assert_eq!(outcome.body["version"], 1);
}

#[tokio::test]
async fn invalid_asynchronous_commands_are_refused_at_once() {
    let (api, deposits) = (shared::api().await, deposits(Uuid::now_v7()));
    for (body, status, code) in
        [(json!({ "amount": 0 }), 422, "invalid-values"), (json!({}), 400, "invalid-body")]
    {
        let request = api.post(&deposits, &body).header("prefer", "respond-async");
        send(request).await.problem(status, code);
    }
}

#[tokio::test]
async fn invalid_values_sent_through_kafka_are_refused_with_their_pointers() {
    let (api, id, command_id) = (shared::api().await, Uuid::now_v7(), Uuid::now_v7().to_string());
    let key = id.to_string();
    send_async(api.post(&deposits(id), &json!({ "amount": 5 }))).await;
    let sent = api.records("commands").into_iter().find(|record| record.key == key).unwrap();
    // The same schema, and an amount of 0.
    let payload = [&sent.payload[..5], &[0]].concat();
    let headers = [("ce_id", command_id.as_bytes()), ("ce_type", sent.headers["ce_type"].as_bytes())];
    let record = ForeignRecord { key: Some(key.as_bytes()), headers: &headers, payload: Some(&payload) };
    write(api, id, record).await;
    let outcome = api.outcome(&format!("/commands/{command_id}")).await;
    let problem = assert_refused(&outcome, 422, "invalid-values");
    assert_eq!(problem["errors"], json!([{ "pointer": "/amount", "detail": "lower than 1" }]));
    assert_eq!(api.events_of(id).len(), 0);
}

#[tokio::test]
async fn a_command_that_was_never_sent_has_no_outcome() {
    let api = shared::api().await;
    api.get(&format!("/commands/{}", Uuid::now_v7())).await.problem(404, "not-found");
    api.get("/commands/1").await.problem(400, "invalid-path-parameter");
}

#[tokio::test]
async fn a_record_that_is_not_a_command_is_refused_and_does_not_block_others() {
    let (api, id) = (shared::api().await, Uuid::now_v7());
    let key = id.to_string();
    let open = json!({ "account_id": id, "owner": "Ada" });
    send(api.post("/accounts", &open)).await.expect(201);
    let malformed: [(String, &str, &[u8]); 2] = [
        (Uuid::now_v7().to_string(), "tests.bank.DepositMoney", b"nonsense"),
        (Uuid::now_v7().to_string(), "tests.bank.Unknown\0Command", b"\0\0\0\0\x01"),
    ];
    for (command_id, command_type, payload) in &malformed {
        let headers = [("ce_id", command_id.as_bytes()), ("ce_type", command_type.as_bytes())];
        let record = ForeignRecord { key: Some(key.as_bytes()), headers: &headers, payload: Some(payload) };
        write(api, id, record).await;
    }
    let without_id = write(api, id, ForeignRecord { payload: Some(b""), ..ForeignRecord::default() }).await;
    let next = send_async(api.post(&deposits(id), &json!({ "amount": 5 }))).await;
    assert_eq!(api.outcome(next.header("location")).await.body["version"], 2);
    for (command_id, ..) in &malformed {
        assert_refused(&api.outcome(&format!("/commands/{command_id}")).await, 400, "malformed-command");
    }
    let dead_letters: Vec<_> = api.records("outcomes").into_iter().filter(is_dead_letter).collect();
    for key in [&malformed[0].0, &malformed[1].0, &without_id] {
        assert_eq!(
            dead_letters.iter().filter(|outcome| outcome.key == *key).count(),
            1,
            "{key}: {dead_letters:?}"
        );
    }
    assert_eq!(dead_letters.len(), 3, "{dead_letters:?}");
    let metrics = shared::METRICS.render();
    let counted = metrics.lines().find_map(|line| line.strip_prefix("commands_dead_letters_total "));
    // Other tests of this program have dead letters too.
    assert!(counted.unwrap().parse::<u64>().unwrap() >= 3, "{metrics}");
}

fn is_dead_letter(outcome: &ConsumedRecord) -> bool {
    let outcome: Value = serde_json::from_slice(&outcome.payload).unwrap();
    outcome["dead_letter"].is_object()
}
