//! The three services of orders as processes, and customers that use them.

use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use test_kit::{Service, TestEnvironment, eventually, eventually_some};
use tokio::task::JoinSet;
use uuid::Uuid;

/// The number of concurrent customers.
const CUSTOMERS: usize = 48;

pub(crate) struct Orders {
    pub(crate) environment: TestEnvironment,
    pub(crate) commands: Service,
    pub(crate) projector: Service,
    pub(crate) queries: Service,
    pub(crate) client: Client,
}

impl Orders {
    pub(crate) async fn start() -> Self {
        let environment = TestEnvironment::prepared();
        Self {
            commands: Service::command_api(&environment, "orders").ready().await,
            projector: Service::projector(&environment, "orders").ready().await,
            queries: Service::query_api(&environment, "orders").ready().await,
            client: Client::new(),
            environment,
        }
    }

    pub(crate) async fn place(&self) -> Placed {
        Placed::of(&send(self.client.post(format!("{}/orders", self.commands.url)).json(&order(0))).await)
    }

    /// Each customer repeatedly places an order, changes its address and cancels it, until there are `events` events.
    pub(crate) fn run_lifecycles(&self, events: usize) -> JoinSet<()> {
        assert_eq!(events % (3 * CUSTOMERS), 0, "each customer runs a whole number of lifecycles");
        let mut customers = JoinSet::new();
        for customer in 0..CUSTOMERS {
            let (client, url) = (self.client.clone(), format!("{}/orders", self.commands.url));
            let lifecycles = events / (3 * CUSTOMERS);
            customers.spawn(async move {
                for lifecycle in 0..lifecycles {
                    run_lifecycle(&client, &url, customer + lifecycle).await;
                }
            });
        }
        customers
    }

    /// The number of events applied to the read model.
    pub(crate) async fn applied(&self) -> i64 {
        let sum = "SELECT sum(sequence)::bigint FROM checkpoint WHERE projection = 'orders'";
        let sum = sqlx::query_scalar::<_, Option<i64>>(sum);
        sum.fetch_one(&mut self.database().await).await.unwrap().unwrap_or(0)
    }

    /// Waits until at least this many events are applied to the read model.
    pub(crate) async fn until_applied(&self, events: usize) {
        let events = i64::try_from(events).unwrap();
        eventually(&format!("{events} events are applied"), || async { self.applied().await >= events })
            .await;
    }

    pub(crate) async fn database(&self) -> PgConnection {
        PgConnection::connect(&self.environment.database_url("orders_read")).await.unwrap()
    }
}

/// The path and the consistency token of a new order.
pub(crate) struct Placed {
    pub(crate) path: String,
    pub(crate) token: String,
}

impl Placed {
    fn of(answer: &Response) -> Self {
        assert_eq!(answer.status(), 201);
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        Self { path: header("location"), token: header("consistency-token") }
    }
}

async fn run_lifecycle(client: &Client, url: &str, number: usize) {
    let placed = Placed::of(&send(client.post(url).json(&order(number))).await);
    let order_id: Uuid = placed.path.rsplit('/').next().unwrap().parse().unwrap();
    let changed = client.post(format!("{url}/{order_id}/delivery-address")).json(&address("Hamburg"));
    assert_eq!(send(changed).await.status(), 200);
    let cancelled = client.post(format!("{url}/{order_id}/cancel")).json(&json!({ "reason": "no need" }));
    assert_eq!(send(cancelled).await.status(), 200);
}

/// Sends a command, and retries it while the service is busy. Its idempotency key ensures that it has one effect.
async fn send(command: RequestBuilder) -> Response {
    let command = command.header("idempotency-key", Uuid::new_v4().to_string());
    eventually_some("the command is answered", || async {
        let command = command.try_clone().expect("a JSON body can be sent again");
        let answer = command.send().await.unwrap();
        (answer.status() != StatusCode::SERVICE_UNAVAILABLE).then_some(answer)
    })
    .await
}

fn order(number: usize) -> Value {
    let lines: Vec<_> = (0..=number % 3)
        .map(|line| json!({ "sku": format!("tea-{line}"), "quantity": 1 + line, "unit_price_minor": 990 + number }))
        .collect();
    json!({
        "customer_id": format!("c-{number}"), "currency": "EUR", "lines": lines,
        "delivery_address": address("Berlin"),
    })
}

pub(crate) fn address(city: &str) -> Value {
    json!({ "name": "Ada Lovelace", "street": "12 Example Street", "postal_code": "10115", "city": city, "country": "DE" })
}
