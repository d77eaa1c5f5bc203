//! Sessions that remember the tokens of all responses, and send them with every query.

use std::collections::BTreeMap;

use reqwest::{Client, Response};
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use test_kit::{Service, eventually};

use crate::services::{Placed, Services, header, problem};

/// What a session has seen: the latest position in each partition of every topic.
#[derive(Debug, Default)]
struct Session(BTreeMap<String, i64>);

impl Session {
    fn add_token(&mut self, token: &str) {
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

    /// Sends a query with the token of everything that the session has seen, and remembers the token of the response.
    async fn query(&mut self, service: &Service, path: &str) -> Response {
        let request = Client::new().get(format!("{}{path}", service.url)).header("prefer", "wait=9");
        let token = Some(self.token()).filter(|token| !token.is_empty());
        let request =
            token.into_iter().fold(request, |request, token| request.header("consistency-token", token));
        let answer = request.send().await.unwrap();
        if let Some(token) = answer.headers().get("consistency-token") {
            self.add_token(token.to_str().unwrap());
        }
        answer
    }
}

async fn database(services: &Services) -> PgConnection {
    PgConnection::connect(&services.environment.database_url("orders_read")).await.unwrap()
}

/// Rebuilds the orders, and promotes the new generation.
async fn promote(services: &Services) {
    let environment = services.environment.clone();
    let rebuild = move || environment.foldline("projections rebuild orders --promote --yes");
    tokio::task::spawn_blocking(rebuild).await.unwrap();
}

#[tokio::test]
async fn a_session_never_sees_a_version_go_down_despite_several_instances_and_promotions() {
    let services = Services::start().await;
    let other = Service::query_api(&services.environment, "orders").ready().await;
    let instances = [&services.queries, &other];
    let mut orders = Vec::new();
    for number in 0..10 {
        orders.push(services.place(&format!("c-{number}")).await);
    }
    let writer = async {
        for (number, order) in orders.iter().enumerate() {
            for city in ["Hamburg", "Bremen", "Kiel", "Mainz"] {
                services.deliver_to(&order.order_id, city).await;
            }
            if number == 5 {
                promote(&services).await;
            }
        }
    };
    let reader = async {
        let mut session = Session::default();
        let mut versions = BTreeMap::new();
        let mut random = fastrand::Rng::with_seed(7);
        while versions.len() < orders.len() || versions.values().any(|version| *version < 5) {
            let order = &orders[random.usize(..orders.len())];
            let service = instances[random.usize(..2)];
            let seen = if random.bool() {
                read_order(&mut session, service, order).await
            } else {
                read_list(&mut session, service).await
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

async fn read_order(session: &mut Session, service: &Service, order: &Placed) -> Vec<(String, i64)> {
    session.add_token(&order.token);
    let answer = session.query(service, &format!("/orders/{}", order.order_id)).await;
    assert_eq!(answer.status(), 200);
    vec![version(&answer.json().await.unwrap())]
}

async fn read_list(session: &mut Session, service: &Service) -> Vec<(String, i64)> {
    let answer = session.query(service, "/orders").await;
    assert_eq!(answer.status(), 200);
    let page: Value = answer.json().await.unwrap();
    page["orders"].as_array().unwrap().iter().map(version).collect()
}

fn version(order: &Value) -> (String, i64) {
    (order["order_id"].as_str().unwrap().to_owned(), order["version"].as_i64().unwrap())
}

#[tokio::test]
async fn a_token_may_contain_positions_of_other_topics() {
    let services = Services::start().await;
    let order = services.place("c-1001").await;
    let path = format!("/orders/{}", order.order_id);
    let tokens = format!("payments.events/1@5, {}, shipping.events/99@1000000", order.token);
    let answer = services.get_with_token(&path, &tokens).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(header(&answer, "consistency-token"), order.token, "the response names only its own topic");
    assert_eq!(services.get_with_token(&path, "payments.events/1@5").await.status(), 200);

    let strict = services.get(&path).header("consistency-token", &tokens).header("prefer", "handling=strict");
    assert_eq!(problem(strict.send().await.unwrap()).await, "invalid-consistency-token");
}

#[tokio::test]
async fn a_write_lost_by_a_restored_database_is_refused_until_it_is_applied_again() {
    let mut services = Services::start().await;
    let order = services.place("c-1001").await;
    let path = format!("/orders/{}", order.order_id);
    let before = services.get_with_token(&path, &order.token).await;
    assert_eq!(before.status(), 200);
    let token = services.deliver_to(&order.order_id, "Hamburg").await;
    assert_eq!(header(&services.get_with_token(&path, &token).await, "etag"), "\"2\"");

    // Restores an older state: the last write is missing from the rows and the checkpoint.
    services.projector.signal("KILL");
    services.projector.ended().await;
    let mut database = database(&services).await;
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
    eventually("the service notices the older state", || async {
        let request = services.get(&path).header("consistency-token", &token).header("prefer", "wait=0");
        let answer = request.send().await.unwrap();
        answer.status() == 503 && problem(answer).await == "not-yet-visible"
    })
    .await;
    services.projector.restart();
    eventually("the write is applied again", || async {
        let answer = services.get_with_token(&path, &token).await;
        answer.status() == 200 && header(&answer, "etag") == "\"2\""
    })
    .await;
}
