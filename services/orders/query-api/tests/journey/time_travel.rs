//! What an order was is what was told of it then, and what the rules knew of it.

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

/// What a customer does with an order that is placed.
#[derive(Debug, Clone)]
enum Step {
    Move(String),
    Cancel,
}

/// An order, and what was told of it at each version.
struct Told {
    path: String,
    token: String,
    documents: Vec<Value>,
}

#[tokio::test(flavor = "multi_thread")]
async fn at_every_version_and_time_an_order_is_what_was_told_then_and_what_the_rules_knew() {
    let orders = Orders::start().await;
    let mut all = Vec::new();
    for life in lives() {
        all.push(live(&orders, &life).await);
    }
    assert!(all.iter().any(|told| told.documents.len() > 3), "some lives are long");
    let log = events(orders.environment.clone()).await;
    for told in all {
        require_versions(&orders, &told).await;
        require_times(&orders, &told).await;
        require_history(&orders, &told, &log).await;
    }
}

/// The same on every run.
fn lives() -> Vec<Vec<Step>> {
    let step = prop_oneof![4 => "[A-C]".prop_map(Step::Move), 1 => Just(Step::Cancel)];
    let lives = vec(vec(step, 0..7), 25);
    lives.new_tree(&mut TestRunner::deterministic()).unwrap().current()
}

/// Leads a life, and asks for the order after every step.
async fn live(orders: &Orders, life: &[Step]) -> Told {
    let Placed { path, token } = orders.place().await;
    let mut told = Told { path, token, documents: Vec::new() };
    told.look(orders).await;
    for step in life {
        let (suffix, body) = match step {
            Step::Move(city) => ("delivery-address", address(city)),
            Step::Cancel => ("cancel", json!({ "reason": "no need" })),
        };
        let url = format!("{}{}/{suffix}", orders.commands.url, told.path);
        let answer = orders.client.post(url).json(&body).send().await.unwrap();
        if answer.status() == 200 && answer.headers().contains_key("consistency-token") {
            told.token = header(&answer, "consistency-token");
            told.look(orders).await;
        }
    }
    told
}

impl Told {
    /// A command that changed nothing leads to no version.
    async fn look(&mut self, orders: &Orders) {
        let document = self.ask(orders, "").await.json().await.unwrap();
        if self.documents.last() != Some(&document) {
            self.documents.push(document);
        }
    }

    async fn ask(&self, orders: &Orders, query: &str) -> Response {
        let url = format!("{}{}{query}", orders.queries.url, self.path);
        let question = orders.client.get(url).header("consistency-token", &self.token);
        let answer = question.header("prefer", "wait=9").send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}{query}", self.path);
        answer
    }
}

async fn require_versions(orders: &Orders, told: &Told) {
    for (version, document) in (1..).zip(&told.documents) {
        let answer = told.ask(orders, &format!("?version={version}")).await;
        assert_eq!(header(&answer, "etag"), format!("\"{version}\""));
        assert_eq!(answer.json::<Value>().await.unwrap(), *document);
    }
}

/// Two events may have come within a millisecond: then it is the later one.
async fn require_times(orders: &Orders, told: &Told) {
    for document in &told.documents {
        let time = document["updated_at"].as_str().unwrap();
        let wanted = told.documents.iter().rfind(|later| later["updated_at"] == *time).unwrap();
        let answer = told.ask(orders, &format!("?as_of={time}")).await;
        assert_eq!(answer.json::<Value>().await.unwrap(), *wanted, "{time}");
    }
}

/// The history is the log's, and its fold by the rules is what was told.
async fn require_history(orders: &Orders, told: &Told, log: &BTreeMap<String, Vec<(Recorded, Event)>>) {
    let history: Value = told.ask(orders, "/history?limit=200").await.json().await.unwrap();
    let log = &log[told.path.trim_start_matches("/orders/")];
    assert_eq!(history["events"].as_array().unwrap().len(), log.len());
    assert_eq!(told.documents.len(), log.len());
    let mut state = State::default();
    for (number, (recorded, event)) in log.iter().enumerate() {
        assert_eq!(history["events"][number], as_told(recorded, event));
        state = <orders_domain::Order as aggregate::Aggregate>::evolve(state, event);
        let status = match state {
            State::NotPlaced => panic!("every event leads to an order"),
            State::Placed { .. } => "placed",
            State::Cancelled => "cancelled",
        };
        assert_eq!(told.documents[number]["status"], status);
    }
}

fn as_told(Recorded { envelope, position, .. }: &Recorded, event: &Event) -> Value {
    let metadata = &envelope.metadata;
    let time = envelope.time.format(&time::format_description::well_known::Rfc3339).unwrap();
    json!({
        "version": envelope.version, "type": event.message_type(), "id": envelope.event_id, "occurred_at": time,
        "actor": metadata.actor, "command_id": metadata.command_id, "correlation_id": metadata.correlation_id,
        "causation_id": metadata.causation_id, "data": event,
        "position": { "topic": position.topic, "partition": position.partition, "offset": position.offset },
    })
}

/// Everything in the log, by order.
async fn events(environment: TestEnvironment) -> BTreeMap<String, Vec<(Recorded, Event)>> {
    let codec = fold::codec(&environment);
    let reading = move || {
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
    tokio::task::spawn_blocking(reading).await.unwrap()
}

fn header(answer: &Response, name: &str) -> String {
    answer.headers()[name].to_str().unwrap().to_owned()
}
