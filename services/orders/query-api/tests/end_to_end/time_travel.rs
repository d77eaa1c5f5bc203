//! The past of an order matches what queries returned at the time, and the rules.

use std::collections::BTreeMap;

use aggregate::Message as _;
use event_log::{ClientSettings, Recorded, Topics, read_partition};
use orders_domain::{Event, State};
use proptest::{collection::vec, prelude::*, strategy::ValueTree, test_runner::TestRunner};
use reqwest::Response;
use serde_json::{Value, json};
use test_kit::TestEnvironment;

use crate::{
    fold,
    orders::{Orders, Placed, address},
};

/// A command of a customer on a placed order.
#[derive(Debug, Clone)]
enum Step {
    ChangeAddress(String),
    Cancel,
}

/// An order, and the documents that queries returned, by version.
struct Observed {
    path: String,
    token: String,
    documents: Vec<Value>,
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_as_of_any_version_or_time_matches_the_queries_at_that_time_and_the_rules() {
    let orders = Orders::start().await;
    let mut all = Vec::new();
    for lifecycle in lifecycles() {
        all.push(run(&orders, &lifecycle).await);
    }
    assert!(all.iter().any(|observed| observed.documents.len() > 3), "some lifecycles have many steps");
    let log = events(orders.environment.clone()).await;
    for observed in all {
        assert_versions(&orders, &observed).await;
        assert_times(&orders, &observed).await;
        assert_history(&orders, &observed, &log).await;
    }
}

/// Random lifecycles, the same on every run.
fn lifecycles() -> Vec<Vec<Step>> {
    let step = prop_oneof![4 => "[A-C]".prop_map(Step::ChangeAddress), 1 => Just(Step::Cancel)];
    let lifecycles = vec(vec(step, 0..7), 25);
    lifecycles.new_tree(&mut TestRunner::deterministic()).unwrap().current()
}

/// Runs a lifecycle, and queries the order after every step.
async fn run(orders: &Orders, lifecycle: &[Step]) -> Observed {
    let Placed { path, token } = orders.place().await;
    let mut observed = Observed { path, token, documents: Vec::new() };
    observed.observe(orders).await;
    for step in lifecycle {
        let (suffix, body) = match step {
            Step::ChangeAddress(city) => ("delivery-address", address(city)),
            Step::Cancel => ("cancel", json!({ "reason": "no need" })),
        };
        let url = format!("{}{}/{suffix}", orders.commands.url, observed.path);
        let answer = orders.client.post(url).json(&body).send().await.unwrap();
        if answer.status() == 200 && answer.headers().contains_key("consistency-token") {
            observed.token = header(&answer, "consistency-token");
            observed.observe(orders).await;
        }
    }
    observed
}

impl Observed {
    /// Queries the order. A command that changed nothing leads to the same document, which is not added.
    async fn observe(&mut self, orders: &Orders) {
        let document = self.query(orders, "").await.json().await.unwrap();
        if self.documents.last() != Some(&document) {
            self.documents.push(document);
        }
    }

    async fn query(&self, orders: &Orders, query: &str) -> Response {
        let url = format!("{}{}{query}", orders.queries.url, self.path);
        let request = orders.client.get(url).header("consistency-token", &self.token);
        let answer = request.header("prefer", "wait=9").send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}{query}", self.path);
        answer
    }
}

async fn assert_versions(orders: &Orders, observed: &Observed) {
    for (version, document) in (1..).zip(&observed.documents) {
        let answer = observed.query(orders, &format!("?version={version}")).await;
        assert_eq!(header(&answer, "etag"), format!("\"{version}\""));
        assert_eq!(answer.json::<Value>().await.unwrap(), *document);
    }
}

/// If two events have the same time in milliseconds, the later one counts.
async fn assert_times(orders: &Orders, observed: &Observed) {
    for document in &observed.documents {
        let time = document["updated_at"].as_str().unwrap();
        let expected = observed.documents.iter().rfind(|later| later["updated_at"] == *time).unwrap();
        let answer = observed.query(orders, &format!("?as_of={time}")).await;
        assert_eq!(answer.json::<Value>().await.unwrap(), *expected, "{time}");
    }
}

/// The history matches the log, and its fold by the rules matches the documents.
async fn assert_history(
    orders: &Orders,
    observed: &Observed,
    log: &BTreeMap<String, Vec<(Recorded, Event)>>,
) {
    let history: Value = observed.query(orders, "/history?limit=200").await.json().await.unwrap();
    let log = &log[observed.path.trim_start_matches("/orders/")];
    assert_eq!(history["events"].as_array().unwrap().len(), log.len());
    assert_eq!(observed.documents.len(), log.len());
    let mut state = State::default();
    for (number, (recorded, event)) in log.iter().enumerate() {
        assert_eq!(history["events"][number], history_entry(recorded, event));
        state = <orders_domain::Order as aggregate::Aggregate>::evolve(state, event);
        let status = match state {
            State::NotPlaced => panic!("every event leads to a placed or cancelled order"),
            State::Placed { .. } => "placed",
            State::Cancelled => "cancelled",
        };
        assert_eq!(observed.documents[number]["status"], status);
    }
}

fn history_entry(Recorded { envelope, position, .. }: &Recorded, event: &Event) -> Value {
    let metadata = &envelope.metadata;
    let time = envelope.time.format(&time::format_description::well_known::Rfc3339).unwrap();
    json!({
        "version": envelope.version, "type": event.message_type(), "id": envelope.event_id, "occurred_at": time,
        "actor": metadata.actor, "command_id": metadata.command_id, "correlation_id": metadata.correlation_id,
        "causation_id": metadata.causation_id, "data": event,
        "position": { "topic": position.topic, "partition": position.partition, "offset": position.offset },
    })
}

/// All events in the log, by order.
async fn events(environment: TestEnvironment) -> BTreeMap<String, Vec<(Recorded, Event)>> {
    let codec = fold::codec(&environment);
    let read = move || {
        let client = ClientSettings { brokers: environment.servers.brokers.clone() };
        let topic = Topics::new(&environment.topic_prefix, "orders").events();
        let mut log = BTreeMap::<_, Vec<_>>::new();
        for partition in 0..8 {
            let collect = &mut |recorded: Recorded| {
                let event = codec.decode(&recorded).unwrap();
                log.entry(recorded.envelope.aggregate_id.to_string()).or_default().push((recorded, event));
                Ok(())
            };
            read_partition(&client, &topic, partition, 0, collect).unwrap();
        }
        log
    };
    tokio::task::spawn_blocking(read).await.unwrap()
}

fn header(answer: &Response, name: &str) -> String {
    answer.headers()[name].to_str().unwrap().to_owned()
}
