//! A read model is rebuilt, promoted and rolled back while orders are placed and read, with the real programs.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![allow(clippy::disallowed_methods, reason = "a test may block its thread")]

use std::{
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use reqwest::Client;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use test_kit::{Service, TestEnvironment, eventually};
use tokio::task::JoinHandle;

/// Runs a command about projections.
async fn projections(environment: &TestEnvironment, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_foldline"));
    command
        .arg("projections")
        .args(arguments.split(' '))
        .current_dir(test_kit::repository())
        .env("FOLDLINE_KAFKA_BROKERS", &environment.servers.brokers)
        .env("FOLDLINE_TOPIC_PREFIX", &environment.topic_prefix)
        .env("FOLDLINE_DATABASE_SERVER_URL", &environment.servers.database_server_url)
        .env("FOLDLINE_DATABASE_PREFIX", &environment.database_prefix);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// Runs a command, which must succeed, and returns its output.
async fn run(environment: &TestEnvironment, arguments: &str) -> String {
    let output = projections(environment, arguments).await;
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command, which must fail with exit code 1, and returns its error message.
async fn refused(environment: &TestEnvironment, arguments: &str) -> String {
    let output = projections(environment, arguments).await;
    assert_eq!(output.status.code(), Some(1), "{arguments}");
    String::from_utf8(output.stderr).unwrap()
}

/// The generations with their states.
async fn listed(environment: &TestEnvironment) -> Vec<(Value, Value)> {
    let listed = run(environment, "list --output json").await;
    let rows = listed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    rows.filter(|row| row["projection"] == "orders")
        .map(|row| (row["generation"].clone(), row["state"].clone()))
        .collect()
}

/// Clients that repeatedly place an order and read it immediately.
struct Customers {
    stop: Arc<AtomicBool>,
    orders: Arc<AtomicU64>,
    tasks: Vec<JoinHandle<()>>,
}

impl Customers {
    fn start(commands: &Service, queries: &Service) -> Self {
        let (stop, orders) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let customer = |_| {
            let (commands, queries) = (commands.url.clone(), queries.url.clone());
            let (stop, orders) = (stop.clone(), orders.clone());
            tokio::spawn(async move {
                let client = Client::new();
                while !stop.load(Relaxed) {
                    place_and_read(&client, &commands, &queries).await;
                    orders.fetch_add(1, Relaxed);
                }
            })
        };
        Self { tasks: (0..4).map(customer).collect(), stop, orders }
    }

    /// Waits until this many more orders are placed and read.
    async fn until_more(&self, orders: u64) {
        let before = self.orders.load(Relaxed);
        eventually("orders are read", || async { self.orders.load(Relaxed) >= before + orders }).await;
    }

    async fn stop(self) {
        self.stop.store(true, Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

async fn place_and_read(client: &Client, commands: &str, queries: &str) {
    let order = json!({
        "customer_id": "c-1", "currency": "EUR",
        "lines": [{ "sku": "tea", "quantity": 1, "unit_price_minor": 990 }],
        "delivery_address": {
            "name": "Ada Lovelace", "street": "12 Example Street", "postal_code": "10115", "city": "Berlin", "country": "DE"
        },
    });
    let placed = client.post(format!("{commands}/orders")).json(&order).send().await.unwrap();
    assert_eq!(placed.status(), 201);
    let header = |name: &str| placed.headers()[name].to_str().unwrap().to_owned();
    let url = format!("{queries}{}", header("location"));
    let query = client.get(url).header("Consistency-Token", header("consistency-token"));
    let response = query.header("Prefer", "wait=10").send().await.unwrap();
    assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_model_is_rebuilt_promoted_and_rolled_back_under_load() {
    let environment = TestEnvironment::prepared();
    let commands = Service::command_api(&environment, "orders").ready().await;
    let _projector = Service::projector(&environment, "orders").ready().await;
    let queries = Service::query_api(&environment, "orders").ready().await;
    let customers = Customers::start(&commands, &queries);
    customers.until_more(50).await;

    let begun = run(&environment, "rebuild orders --rate 100 --detach").await;
    assert!(begun.starts_with("building generation 2 of orders with version 1"), "{begun}");
    let second = refused(&environment, "rebuild orders").await;
    assert!(second.contains("`foldline projections promote orders` makes it live, `foldline projections cancel orders` drops it"), "{second}");
    let unconfirmed = refused(&environment, "promote orders").await;
    assert!(
        unconfirmed.contains("hint: to confirm, run `foldline projections promote orders --yes`"),
        "{unconfirmed}"
    );
    run(&environment, "limit orders none").await;
    run(&environment, "rebuild orders --follow --promote --yes").await;
    assert_eq!(listed(&environment).await, [(1.into(), "standby".into()), (2.into(), "live".into())]);
    customers.until_more(50).await;

    run(&environment, "rollback orders --yes").await;
    assert_eq!(listed(&environment).await, [(1.into(), "live".into()), (2.into(), "standby".into())]);
    customers.until_more(50).await;
    run(&environment, "drop orders --yes").await;
    let verified = run(&environment, "verify orders").await;
    assert!(verified.contains("the live rows of orders equal those built from the log"), "{verified}");
    customers.stop().await;

    let mut database = PgConnection::connect(&environment.database_url("orders_read")).await.unwrap();
    sqlx::query("UPDATE order_lines SET quantity = 7 WHERE ctid = '(0,1)'")
        .execute(&mut database)
        .await
        .unwrap();
    let verified = projections(&environment, "verify orders --output json").await;
    assert_eq!(verified.status.code(), Some(1));
    let (printed, error) =
        (String::from_utf8_lossy(&verified.stdout), String::from_utf8_lossy(&verified.stderr));
    assert!(error.contains("the live rows of orders differ from those built from the log"), "{error}");
    let tables: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!([&tables[0]["table"], &tables[1]["table"]], ["orders", "order_lines"]);
    assert_eq!([&tables[0]["differing_ranges"], &tables[1]["differing_ranges"]], [0, 1]);
    assert_eq!([&tables[1]["live_generation"], &tables[1]["rows"]], [&json!(1), &tables[1]["live_rows"]]);
    let quantities = ["live", "other"].map(|row| &tables[1]["differences"][0][row]["quantity"]);
    assert_eq!(quantities, [7, 1]);
    assert_eq!(listed(&environment).await, [(1.into(), "live".into())]);
}
