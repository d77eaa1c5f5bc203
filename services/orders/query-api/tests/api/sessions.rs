//! Readers who keep the tokens that they are given, and send all of them with every question.

use std::collections::BTreeMap;

use reqwest::{Client, Response};
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use test_kit::{Service, eventually};

use crate::stage::{Placed, Stage, header, problem};

/// What a session has seen: the latest position in each partition of each topic, of whatever service.
#[derive(Debug, Default)]
struct Bag(BTreeMap<String, i64>);

impl Bag {
    fn keep(&mut self, token: &str) {
        for position in token.split(',') {
            let (partition, offset) = position.split_once('@').unwrap();
            let latest = self.0.entry(partition.to_owned()).or_default();
            *latest = offset.parse::<i64>().unwrap().max(*latest);
        }
    }

    fn token(&self) -> String {
        let positions: Vec<_> =
            self.0.iter().map(|(partition, offset)| format!("{partition}@{offset}")).collect();
        positions.join(",")
    }

    /// Asks with everything that the session has seen, and keeps what the answer says.
    async fn ask(&mut self, service: &Service, path: &str) -> Response {
        let request = Client::new().get(format!("{}{path}", service.url)).header("prefer", "wait=9");
        let token = Some(self.token()).filter(|token| !token.is_empty());
        let request =
            token.into_iter().fold(request, |request, token| request.header("consistency-token", token));
        let answer = request.send().await.unwrap();
        if let Some(token) = answer.headers().get("consistency-token") {
            self.keep(token.to_str().unwrap());
        }
        answer
    }
}

async fn database(stage: &Stage) -> PgConnection {
    PgConnection::connect(&stage.environment.database_url("orders_read")).await.unwrap()
}

/// Has another generation of orders take the place of the live one.
async fn promote(stage: &Stage) {
    let environment = stage.environment.clone();
    let rebuild = move || environment.foldline("projections rebuild orders --promote --yes");
    tokio::task::spawn_blocking(rebuild).await.unwrap();
}

#[tokio::test]
async fn a_session_never_sees_a_version_go_down_whoever_answers_and_whatever_is_promoted() {
    let stage = Stage::set().await;
    let other = Service::query_api(&stage.environment, "orders").ready().await;
    let instances = [&stage.queries, &other];
    let mut orders = Vec::new();
    for number in 0..10 {
        orders.push(stage.place(&format!("c-{number}")).await);
    }
    let writer = async {
        for (number, order) in orders.iter().enumerate() {
            for city in ["Hamburg", "Bremen", "Kiel", "Mainz"] {
                stage.deliver_to(&order.order_id, city).await;
            }
            if number == 5 {
                promote(&stage).await;
            }
        }
    };
    let reader = async {
        let mut bag = Bag::default();
        let mut versions = BTreeMap::new();
        let mut random = fastrand::Rng::with_seed(7);
        while versions.len() < orders.len() || versions.values().any(|version| *version < 5) {
            let order = &orders[random.usize(..orders.len())];
            let service = instances[random.usize(..2)];
            let seen = if random.bool() {
                seen_alone(&mut bag, service, order).await
            } else {
                seen_in_list(&mut bag, service).await
            };
            for (order_id, version) in seen {
                let before = versions.insert(order_id.clone(), version);
                assert!(
                    before.is_none_or(|before| before <= version),
                    "{order_id}: {before:?}, then {version}"
                );
            }
        }
    };
    tokio::join!(writer, reader);
}

async fn seen_alone(bag: &mut Bag, service: &Service, order: &Placed) -> Vec<(String, i64)> {
    bag.keep(&order.token);
    let answer = bag.ask(service, &format!("/orders/{}", order.order_id)).await;
    assert_eq!(answer.status(), 200);
    vec![version(&answer.json().await.unwrap())]
}

async fn seen_in_list(bag: &mut Bag, service: &Service) -> Vec<(String, i64)> {
    let answer = bag.ask(service, "/orders").await;
    assert_eq!(answer.status(), 200);
    let page: Value = answer.json().await.unwrap();
    page["orders"].as_array().unwrap().iter().map(version).collect()
}

fn version(order: &Value) -> (String, i64) {
    (order["order_id"].as_str().unwrap().to_owned(), order["version"].as_i64().unwrap())
}

#[tokio::test]
async fn positions_of_other_topics_may_be_sent_along() {
    let stage = Stage::set().await;
    let order = stage.place("c-1001").await;
    let path = format!("/orders/{}", order.order_id);
    let bag = format!("payments.events/1@5, {}, shipping.events/99@1000000", order.token);
    let answer = stage.ask(&path, &bag).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(header(&answer, "consistency-token"), order.token, "it speaks of its own topic");
    assert_eq!(stage.ask(&path, "payments.events/1@5").await.status(), 200);

    let strict = stage.question(&path).header("consistency-token", &bag).header("prefer", "handling=strict");
    assert_eq!(problem(strict.send().await.unwrap()).await, "invalid-consistency-token");
}

#[tokio::test]
async fn what_a_restored_database_has_lost_is_refused_until_it_is_there_again() {
    let mut stage = Stage::set().await;
    let order = stage.place("c-1001").await;
    let path = format!("/orders/{}", order.order_id);
    let before = stage.ask(&path, &order.token).await;
    assert_eq!(before.status(), 200);
    let token = stage.deliver_to(&order.order_id, "Hamburg").await;
    assert_eq!(header(&stage.ask(&path, &token).await, "etag"), "\"2\"");

    // What was written last is gone with the server, rows and checkpoint alike.
    stage.projector.signal("KILL");
    stage.projector.ended().await;
    let mut database = database(&stage).await;
    let offset: i64 = order.token.rsplit_once('@').unwrap().1.parse().unwrap();
    sqlx::raw_sql(&format!(
        "BEGIN;
         UPDATE orders SET version = 1, delivery_city = 'Berlin', updated_at = placed_at;
         UPDATE checkpoint SET next_offset = {offset} + 1, sequence = sequence - 1 WHERE next_offset > {offset} + 1
            AND projection = 'orders';
         COMMIT;
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND pid <> pg_backend_pid()"
    ))
    .execute(&mut database)
    .await
    .unwrap();
    eventually("the older state is known", || async {
        let question = stage.question(&path).header("consistency-token", &token).header("prefer", "wait=0");
        let answer = question.send().await.unwrap();
        answer.status() == 503 && problem(answer).await == "not-yet-visible"
    })
    .await;
    stage.projector.restart();
    eventually("it is there again", || async {
        let answer = stage.ask(&path, &token).await;
        answer.status() == 200 && header(&answer, "etag") == "\"2\""
    })
    .await;
}
