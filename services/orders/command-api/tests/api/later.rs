//! Commands that are decided later: sent with `Prefer: respond-async`, or through Kafka by somebody else.

use std::time::Duration;

use aggregate::AggregateId;
use rdkafka::{
    ClientConfig,
    message::{Header, OwnedHeaders},
    producer::{FutureProducer, FutureRecord},
};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use test_kit::{LogView, eventually_some};
use uuid::Uuid;

use crate::support::{Answer, Api, address, address_path, cancel_path, order, reason, send};

/// Has a command taken to be decided later.
async fn later(request: RequestBuilder) -> Answer {
    let taken = send(request.header("prefer", "respond-async")).await.accepted(202);
    assert_eq!(taken.header("preference-applied"), "respond-async");
    assert_eq!(taken.body()["status"], "pending");
    let command_id = taken.body()["command_id"].as_str().unwrap().to_owned();
    assert_eq!(taken.header("location"), format!("/commands/{command_id}"));
    taken
}

/// What became of a command, once that is known.
async fn outcome(api: &Api, location: &str) -> Answer {
    eventually_some(&format!("{location} has an outcome"), || async {
        let answer = api.get(location).await;
        let is_known = answer.status == 200 && answer.body()["status"] != "pending";
        is_known.then_some(answer)
    })
    .await
}

fn refused(outcome: &Answer, status: u16, code: &str) -> Value {
    let problem = outcome.body()["problem"].clone();
    assert_eq!(outcome.body()["status"], "refused", "{}", outcome.text);
    assert_eq!((&problem["status"], &problem["type"]), (&json!(status), &json!(format!("/problems/{code}"))));
    problem
}

/// Sends records to the commands topic as any program may.
struct Stranger<'a> {
    api: &'a Api,
    producer: FutureProducer,
}

impl<'a> Stranger<'a> {
    fn of(api: &'a Api) -> Self {
        let producer =
            ClientConfig::new().set("bootstrap.servers", &api.environment.servers.brokers).create().unwrap();
        Self { api, producer }
    }

    /// Sends a record to the partition of this order.
    async fn send(
        &self,
        order_id: Uuid,
        key: Option<&str>,
        headers: &[(&str, &str)],
        payload: &[u8],
    ) -> String {
        let topic = self.api.environment.topic("orders.commands");
        let headers = headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header { key, value: Some(*value) })
        });
        let partition = event_log::partition_of(&AggregateId::from(order_id), 8);
        let mut record =
            FutureRecord::<str, _>::to(&topic).partition(partition).headers(headers).payload(payload);
        record.key = key;
        let delivered = self.producer.send(record, Duration::from_secs(10)).await.unwrap();
        format!("{topic}/{partition}@{}", delivered.offset)
    }
}

#[tokio::test]
async fn every_command_can_be_decided_later_by_whichever_instance_owns_it() {
    let both = Api::two().await;
    for number in 0..8 {
        let (one, other) = (&both[number % 2], &both[(number + 1) % 2]);
        let placed = later(one.post("/orders", &order())).await;
        let order_id = placed.order_id();
        let outcome_of_place = outcome(other, placed.header("location")).await;
        let told = outcome_of_place.body();
        assert_eq!((&told["status"], &told["version"]), (&json!("accepted"), &json!(1)));
        assert_eq!(
            (&told["order_id"], &told["events"][0]["type"]),
            (&json!(order_id), &json!("OrderPlaced"))
        );
        let token = format!(
            "{}/{}@{}",
            told["position"]["topic"].as_str().unwrap(),
            told["position"]["partition"],
            told["position"]["offset"]
        );
        assert_eq!(outcome_of_place.header("consistency-token"), token);
        let moved = later(other.post(&address_path(order_id), &address("Street 2"))).await;
        assert_eq!(outcome(one, moved.header("location")).await.version(), 2);
        let cancelled = later(one.post(&cancel_path(order_id), &reason())).await;
        assert_eq!(outcome(one, cancelled.header("location")).await.version(), 3);
        let again = later(other.post(&cancel_path(order_id), &reason())).await;
        refused(&outcome(one, again.header("location")).await, 422, "order-already-cancelled");
    }
    assert_eq!(both[0].seen().len(), 24);
}

#[tokio::test]
async fn a_command_has_one_effect_and_one_place_whether_sent_at_once_or_later() {
    let api = Api::ready().await;
    let place = || api.post("/orders", &order()).header("idempotency-key", "key");
    let (first, second) = (later(place()).await, later(place()).await);
    assert_eq!(first.header("location"), second.header("location"));
    let told = outcome(&api, first.header("location")).await.body();
    let at_once = send(place()).await.accepted(201);
    assert_eq!(at_once.header("idempotency-replayed"), "true");
    for fact in ["version", "events", "position"] {
        assert_eq!(at_once.body()[fact], told[fact], "{fact}");
    }
    assert_eq!(api.seen().len(), 1);
}

#[tokio::test]
async fn a_condition_counts_when_the_command_is_decided() {
    let api = Api::ready().await;
    let path = cancel_path(api.place().await);
    let taken = later(api.post(&path, &reason()).header("if-match", "\"2\"")).await;
    let problem = refused(&outcome(&api, taken.header("location")).await, 412, "version-mismatch");
    assert_eq!(problem["current_version"], 1);
    let taken = later(api.post(&path, &reason()).header("if-match", "\"1\"")).await;
    assert_eq!(outcome(&api, taken.header("location")).await.version(), 2);
    let taken = later(api.post("/orders", &order()).header("if-none-match", "*")).await;
    assert_eq!(outcome(&api, taken.header("location")).await.version(), 1);
}

#[tokio::test]
async fn what_no_rule_would_take_is_refused_at_once() {
    let api = Api::ready().await;
    let request = api.post(&cancel_path(Uuid::new_v4()), &json!({ "reason": " " }));
    send(request.header("prefer", "respond-async")).await.problem(422, "invalid-values");
    let request = api.post("/orders", &json!({})).header("prefer", "respond-async");
    send(request).await.problem(400, "invalid-body");
}

#[tokio::test]
async fn invalid_values_that_come_through_kafka_are_refused_with_their_pointers() {
    let api = Api::ready().await;
    let (order_id, command_id) = (Uuid::new_v4(), Uuid::new_v4().to_string());
    later(api.post(&cancel_path(order_id), &reason())).await;
    let sent = LogView::of(&api.environment.servers.brokers, &api.environment.topic("orders.commands"));
    // The same schema, and a reason of one space.
    let payload = [&sent[0].payload[..5], &[2, b' ']].concat();
    let headers = [("ce_id", command_id.as_str()), ("ce_type", "foldline.orders.CancelOrder")];
    Stranger::of(&api).send(order_id, Some(&order_id.to_string()), &headers, &payload).await;
    let refusal = refused(&outcome(&api, &format!("/commands/{command_id}")).await, 422, "invalid-values");
    assert_eq!(refusal["errors"], json!([{ "pointer": "/reason", "detail": "blank" }]));
    assert_eq!(api.seen().len(), 0);
}

#[tokio::test]
async fn a_command_that_nobody_has_sent_has_no_outcome() {
    let api = Api::ready().await;
    api.get(&format!("/commands/{}", Uuid::new_v4())).await.problem(404, "not-found");
    api.get("/commands/1").await.problem(400, "invalid-path-parameter");
}

#[tokio::test]
async fn a_record_that_is_no_command_is_refused_and_blocks_nobody() {
    let api = Api::ready().await;
    let order_id = api.place().await;
    let (stranger, key) = (Stranger::of(&api), order_id.to_string());
    let (id, other_id) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());
    let cancel = "foldline.orders.CancelOrder";
    stranger.send(order_id, Some(&key), &[("ce_id", &id), ("ce_type", cancel)], b"nonsense").await;
    let unknown = [("ce_id", other_id.as_str()), ("ce_type", "foldline.orders.Unheard\0Of")];
    stranger.send(order_id, Some(&key), &unknown, b"\0\0\0\0\x01").await;
    let nameless = stranger.send(order_id, None, &[], b"").await;
    let next = later(api.post(&cancel_path(order_id), &reason())).await;
    assert_eq!(outcome(&api, next.header("location")).await.version(), 2);
    for id in [&id, &other_id] {
        refused(&outcome(&api, &format!("/commands/{id}")).await, 400, "malformed-command");
    }
    let outcomes = LogView::of(&api.environment.servers.brokers, &api.environment.topic("orders.outcomes"));
    let dead: Vec<Value> = outcomes
        .iter()
        .map(|outcome| serde_json::from_slice(&outcome.payload).unwrap())
        .filter(|outcome: &Value| outcome["dead_letter"].is_object())
        .collect();
    assert_eq!(dead.len(), 3, "{dead:?}");
    assert!(outcomes.iter().any(|outcome| outcome.key == nameless), "{nameless}");
    let metrics = api.service.metrics().await;
    assert!(metrics.contains("commands_dead_letters_total"), "{metrics}");
}
