//! Shared by these tests: a service with its own topics, its requests, and assertions on its responses.

use reqwest::{Client, RequestBuilder, StatusCode, header::HeaderMap};
use serde_json::{Value, json};
use test_kit::{ConsumedRecord, LogView, Service, TestEnvironment, eventually};
use uuid::Uuid;

/// A command API and its environment.
pub(crate) struct Api {
    pub(crate) environment: TestEnvironment,
    pub(crate) service: Service,
    pub(crate) http: Client,
}

/// A response.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Api {
    pub(crate) async fn ready() -> Self {
        // On a busy machine a commit may time out, and the shard is then claimed again. Requests wait that long.
        Self::with(&[("FOLDLINE_FORWARD_WAIT", "6s")]).await
    }

    /// Starts an instance with extra settings, and waits until it is ready.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let api = Self::starting(prepared(), settings);
        api.service.until_ready().await;
        api
    }

    /// Two instances that share the shards.
    pub(crate) async fn pair() -> [Self; 2] {
        let environment = prepared();
        let pair = [Self::starting(environment.clone(), &[]), Self::starting(environment, &[])];
        for api in &pair {
            api.service.until_ready().await;
        }
        pair[0].until_shared_with(&pair[1]).await;
        pair
    }

    /// Waits until every shard has an owner, and both instances own shards.
    pub(crate) async fn until_shared_with(&self, other: &Self) {
        eventually("both instances own a shard", || async {
            let (own_shards, other_shards) = (self.owned().await, other.owned().await);
            own_shards == 1 && other_shards == 1
        })
        .await;
    }

    /// The number of shards that it owns.
    pub(crate) async fn owned(&self) -> usize {
        let owned = |line: &&str| line.starts_with("shard_owned{") && line.ends_with(" 1");
        self.service.metrics().await.lines().filter(owned).count()
    }

    /// The number of commands that it has forwarded and received a response for.
    pub(crate) async fn hops(&self) -> u64 {
        let metrics = self.service.metrics().await;
        let hops =
            metrics.lines().find_map(|line| line.strip_prefix("forward_hops_total{outcome=\"answered\"} "));
        hops.map_or(0, |count| count.parse().unwrap())
    }

    /// Starts an instance in an environment that may not be prepared yet.
    pub(crate) fn starting(environment: TestEnvironment, settings: &[(&str, &str)]) -> Self {
        let service = Service::command_api_with(&environment, "orders", settings);
        Self { environment, service, http: Client::new() }
    }

    /// A request with a command. The caller can add headers, and sends it.
    pub(crate) fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.http.post(format!("{}{path}", self.service.url)).json(body)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.http.get(format!("{}{path}", self.service.url))).await
    }

    /// Places an order, and returns its id.
    pub(crate) async fn place(&self) -> Uuid {
        send(self.post("/orders", &order())).await.expect_status(201).order_id()
    }

    /// Every committed event.
    pub(crate) fn events(&self) -> Vec<ConsumedRecord> {
        LogView::of(&self.environment.servers.brokers, &self.environment.topic("orders.events"))
    }

    /// The events of one order.
    pub(crate) fn events_of(&self, order_id: Uuid) -> Vec<ConsumedRecord> {
        let mut seen = self.events();
        seen.retain(|event| event.key == order_id.to_string());
        seen
    }
}

/// An environment with the topics and tables of every context.
fn prepared() -> TestEnvironment {
    let environment = TestEnvironment::empty();
    environment.foldline("topics apply");
    environment.migrate();
    environment
}

/// Sends a request, and panics if there is no response.
pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    Answer {
        status: response.status(),
        headers: response.headers().clone(),
        text: response.text().await.unwrap(),
    }
}

impl Answer {
    pub(crate) fn body(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn order_id(&self) -> Uuid {
        self.body()["order_id"].as_str().unwrap().parse().unwrap()
    }

    pub(crate) fn version(&self) -> u64 {
        self.body()["version"].as_u64().unwrap()
    }

    /// Asserts the status.
    #[track_caller]
    pub(crate) fn expect_status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Asserts that it is a problem document with this status and code, and returns the document.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{code}: {}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json", "{code}");
        let problem = self.body();
        assert_eq!(problem["type"], format!("/problems/{code}"), "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["instance"], self.header("x-request-id"), "{problem}");
        assert!(problem["title"].is_string(), "{problem}");
        problem
    }
}

/// A valid order.
pub(crate) fn order() -> Value {
    json!({
        "customer_id": "c-1001",
        "currency": "EUR",
        "lines": [{ "sku": "tea-500g", "quantity": 2, "unit_price_minor": 1290 }],
        "delivery_address": address("Street 1"),
    })
}

pub(crate) fn address(street: &str) -> Value {
    json!({ "name": "Ada", "street": street, "postal_code": "10115", "city": "Berlin", "country": "DE" })
}

pub(crate) fn reason() -> Value {
    json!({ "reason": "ordered twice" })
}

pub(crate) fn cancel_path(order_id: Uuid) -> String {
    format!("/orders/{order_id}/cancel")
}

pub(crate) fn address_path(order_id: Uuid) -> String {
    format!("/orders/{order_id}/delivery-address")
}
