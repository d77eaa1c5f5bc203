use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use test_kit::{Service, TestEnvironment};

/// All services of orders, as processes.
pub(crate) struct Services {
    pub(crate) environment: TestEnvironment,
    pub(crate) projector: Service,
    pub(crate) queries: Service,
    client: Client,
    commands: Service,
}

/// An order that was just placed.
pub(crate) struct Placed {
    pub(crate) order_id: String,
    pub(crate) token: String,
}

impl Services {
    pub(crate) async fn start() -> Self {
        let environment = TestEnvironment::prepared();
        let (commands, projector, queries) = (
            Service::command_api(&environment, "orders"),
            Service::projector(&environment, "orders"),
            Service::query_api(&environment, "orders"),
        );
        Self {
            client: Client::new(),
            commands: commands.ready().await,
            projector: projector.ready().await,
            queries: queries.ready().await,
            environment,
        }
    }

    pub(crate) async fn place(&self, customer_id: &str) -> Placed {
        let order = json!({
            "customer_id": customer_id,
            "currency": "EUR",
            "lines": [
                { "sku": "tea-500g", "quantity": 2, "unit_price_minor": 1290 },
                { "sku": "cup", "quantity": 1, "unit_price_minor": 400 },
            ],
            "delivery_address": {
                "name": "Ada Lovelace", "street": "12 Example Street",
                "postal_code": "10115", "city": "Berlin", "country": "DE",
            },
        });
        let answer = self.command("/orders", &order).await;
        assert_eq!(answer.status(), 201);
        let token = header(&answer, "consistency-token");
        let body: Value = answer.json().await.unwrap();
        Placed { order_id: body["order_id"].as_str().unwrap().to_owned(), token }
    }

    /// Cancels an order, and returns the consistency token.
    pub(crate) async fn cancel(&self, order_id: &str) -> String {
        let path = format!("/orders/{order_id}/cancel");
        let answer = self.command(&path, &json!({ "reason": "ordered twice" })).await;
        assert_eq!(answer.status(), 200);
        header(&answer, "consistency-token")
    }

    /// Changes the delivery address of an order, and returns the consistency token.
    pub(crate) async fn deliver_to(&self, order_id: &str, city: &str) -> String {
        let path = format!("/orders/{order_id}/delivery-address");
        let address = json!({
            "name": "Ada Lovelace", "street": "12 Example Street",
            "postal_code": "10115", "city": city, "country": "DE",
        });
        let answer = self.command(&path, &address).await;
        assert_eq!(answer.status(), 200);
        header(&answer, "consistency-token")
    }

    async fn command(&self, path: &str, body: &Value) -> Response {
        self.client.post(format!("{}{path}", self.commands.url)).json(body).send().await.unwrap()
    }

    /// Executes statements in the read model's database, on a separate connection.
    pub(crate) async fn execute_sql(&self, statement: &str) {
        let mut connection =
            PgConnection::connect(&self.environment.database_url("orders_read")).await.unwrap();
        sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    }

    /// A request to the query API. The caller can add headers, and sends it.
    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.queries.url))
    }

    /// Sends a query with a consistency token.
    pub(crate) async fn get_with_token(&self, path: &str, token: &str) -> Response {
        self.get(path).header("consistency-token", token).header("prefer", "wait=9").send().await.unwrap()
    }
}

/// A header, which must exist.
pub(crate) fn header(answer: &Response, name: &str) -> String {
    let value = answer.headers().get(name).unwrap_or_else(|| panic!("{name} is missing: {answer:?}"));
    value.to_str().unwrap().to_owned()
}

/// The code of a problem document.
pub(crate) async fn problem(answer: Response) -> String {
    assert_eq!(header(&answer, "content-type"), "application/problem+json");
    let body: Value = answer.json().await.unwrap();
    body["type"].as_str().unwrap().trim_start_matches("/problems/").to_owned()
}
