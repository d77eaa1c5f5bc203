//! The commands of the sessions.

use reqwest::{Client, Response};
use serde_json::{Value, json};
use uuid::Uuid;

/// A command of a client. A retry sends it unchanged.
pub(crate) struct Command {
    path: String,
    key: Uuid,
    body: Value,
}

/// The answer to an accepted command.
pub(crate) struct Accepted {
    pub(crate) version: u64,
    pub(crate) token: String,
}

impl Command {
    pub(crate) fn place(key: Uuid, order_id: Uuid, customer_id: &str) -> Self {
        let body = json!({
            "order_id": order_id, "customer_id": customer_id, "currency": "EUR",
            "lines": [{ "sku": "tea-500g", "quantity": 2, "unit_price_minor": 1290 },
                      { "sku": "cup", "quantity": 1, "unit_price_minor": 400 }],
            "delivery_address": address("Street 1"),
        });
        Self { path: "/orders".to_owned(), key, body }
    }

    pub(crate) fn change_address(key: Uuid, order_id: Uuid, street: &str) -> Self {
        Self { path: format!("/orders/{order_id}/delivery-address"), key, body: address(street) }
    }

    pub(crate) fn cancel(key: Uuid, order_id: Uuid, reason: &str) -> Self {
        Self { path: format!("/orders/{order_id}/cancel"), key, body: json!({ "reason": reason }) }
    }

    /// Sends the command once. Returns `None` unless it is accepted.
    pub(crate) async fn send(&self, http: &Client, url: &str) -> Option<Accepted> {
        let request =
            http.post(format!("{url}{}", self.path)).header("idempotency-key", self.key.to_string());
        let answer = request.json(&self.body).send().await.ok()?;
        if !answer.status().is_success() {
            return None;
        }
        let token = header(&answer, "consistency-token")?;
        let body: Value = answer.json().await.ok()?;
        Some(Accepted { version: body["version"].as_u64()?, token })
    }
}

pub(crate) fn header(answer: &Response, name: &str) -> Option<String> {
    Some(answer.headers().get(name)?.to_str().ok()?.to_owned())
}

fn address(street: &str) -> Value {
    json!({ "name": "Ada", "street": street, "postal_code": "10115", "city": "Berlin", "country": "DE" })
}
