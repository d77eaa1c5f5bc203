//! Measures how long one command takes without other load, compared with the bare Kafka commit that it consists of, and
//! how long it takes until a query returns the result. `make bench` starts the servers and prints the figures.

#![allow(clippy::disallowed_methods, reason = "a benchmark may block its threads")]

use std::time::{Duration, Instant};

use aggregate::{AggregateId, Metadata, Version};
use event_log::{
    Batch, ClientSettings, Envelope, KafkaShardLog, NewRecord, Offsets, ShardLog, ShardLogSettings, Shards,
    Topics, now,
};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use test_kit::{Service, TestEnvironment, record_figure};
use uuid::Uuid;

/// How often each measurement is repeated; the first tenth is not counted.
const TIMES: usize = 1_000;

#[tokio::main]
async fn main() {
    let environment = TestEnvironment::empty().with_shards(1).prepare();
    let bare = environment.clone();
    let commits =
        tokio::task::spawn_blocking(move || commit_one_by_one(&bare)).await.expect("commits succeed");
    // Started afterwards, because its claim fences the bare writer.
    let commands = Service::command_api(&environment, "orders").ready().await;
    let _projector = Service::projector(&environment, "orders").ready().await;
    let queries = Service::query_api(&environment, "orders").ready().await;
    let (answered, visible) = place_one_by_one(&commands.url, &queries.url).await;
    println!("\none at a time, {TIMES} times, in milliseconds");
    report("bare transactional commit of one record", "commit", &commits);
    report("command over HTTP, answered when committed", "command", &answered);
    report("then the query with its token, answered", "query", &visible);
    println!("command / bare commit at the median: {:.2}", median(&answered) / median(&commits));
}

fn commit_one_by_one(environment: &TestEnvironment) -> Vec<f64> {
    let settings = ShardLogSettings {
        client: ClientSettings { brokers: environment.servers.brokers.clone() },
        topics: Topics::new(&environment.topic_prefix, "bare"),
        shards: Shards::new(1, 1).expect("one shard of one partition"),
        address: String::new(),
        commit_timeout: Duration::from_secs(5),
    };
    let runtime = tokio::runtime::Runtime::new().expect("the runtime can be created");
    runtime
        .block_on(event_log::apply_topics(&settings.client, &settings.topics, settings.shards, 1))
        .expect("topics can be created");
    let mut log = KafkaShardLog::new(settings, 0);
    let epoch = log.claim(&Offsets::new(), &mut |_| Ok(())).expect("the shard is free").epoch;
    (1..=TIMES as u64)
        .map(|sequence| {
            let record = record(sequence, epoch);
            let started = Instant::now();
            log.append(&Batch::events(&[record])).expect("the commit succeeds");
            millis(started)
        })
        .collect()
}

fn record(sequence: u64, owner_epoch: u64) -> NewRecord {
    let command_id = Uuid::now_v7();
    let envelope = Envelope {
        aggregate_id: AggregateId::from(command_id),
        event_id: command_id,
        event_type: "bench.Happened".to_owned(),
        source: "/bench".to_owned(),
        time: now(),
        version: Version(1),
        request_hash: 0,
        owner_epoch,
        partition_sequence: sequence,
        metadata: Metadata {
            command_id,
            correlation_id: command_id.to_string().into(),
            causation_id: command_id.to_string().into(),
            actor: "anonymous".into(),
            traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into(),
        },
    };
    NewRecord { partition: 0, envelope, payload: vec![7; 200] }
}

async fn place_one_by_one(commands: &str, queries: &str) -> (Vec<f64>, Vec<f64>) {
    let client = Client::new();
    let (mut answered, mut visible) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let started = Instant::now();
        let response =
            client.post(format!("{commands}/orders")).json(&order()).send().await.expect("the API responds");
        let (path, token) = (location(&response), token(&response));
        drop(response.bytes().await);
        answered.push(millis(started));
        let started = Instant::now();
        let query = client.get(format!("{queries}{path}")).header("Consistency-Token", token);
        let response = query.send().await.expect("the API responds");
        assert_eq!(response.status(), 200, "the query returns the order");
        drop(response.bytes().await);
        visible.push(millis(started));
    }
    (answered, visible)
}

fn order() -> Value {
    json!({
        "customer_id": "c-1001", "currency": "EUR",
        "lines": [{"sku": "tea-500g", "quantity": 2, "unit_price_minor": 1290}],
        "delivery_address": {
            "name": "Ada Lovelace", "street": "12 Example Street", "postal_code": "10115", "city": "Berlin",
            "country": "DE",
        },
    })
}

fn location(response: &Response) -> String {
    assert_eq!(response.status(), 201, "the order is placed");
    response.headers()["location"].to_str().expect("a path is text").to_owned()
}

fn token(response: &Response) -> String {
    response.headers()["consistency-token"].to_str().expect("a token is text").to_owned()
}

fn millis(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

fn warm(times: &[f64]) -> Vec<f64> {
    let mut warm = times[TIMES / 10..].to_vec();
    warm.sort_by(f64::total_cmp);
    warm
}

fn median(times: &[f64]) -> f64 {
    let warm = warm(times);
    warm[warm.len() / 2]
}

/// Prints the latencies, and records them for the report under a name.
fn report(what: &str, name: &str, times: &[f64]) {
    let warm = warm(times);
    let quantile = |per_mille: usize| warm[(warm.len() - 1) * per_mille / 1_000];
    print!("{what:<46}");
    for (label, per_mille) in [("p50", 500), ("p90", 900), ("p99", 990), ("p99.9", 999)] {
        print!(" {label} {:6.2}  ", quantile(per_mille));
        record_figure(&format!("{name}.{label}"), quantile(per_mille));
    }
    println!(" max {:6.2}", quantile(1_000));
}
