//! The commands of the clients, and the interpretation of their responses.

use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use test_kit::history::Answer;
use uuid::Uuid;

/// A command of a client. A retry sends it unchanged.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) order_id: Uuid,
    pub(crate) key: String,
    /// The command's name and the body that is sent.
    pub(crate) request: Value,
    pub(crate) if_match: Option<u64>,
}

pub(crate) fn place(order_id: Uuid) -> Value {
    json!({ "command": "place", "body": {
        "order_id": order_id,
        "customer_id": "c-1001",
        "currency": "EUR",
        "lines": [{ "sku": "tea-500g", "quantity": 2, "unit_price_minor": 1290 }],
        "delivery_address": address("Street 1"),
    } })
}

pub(crate) fn change_address(street: &str) -> Value {
    json!({ "command": "move", "body": address(street) })
}

pub(crate) fn cancel() -> Value {
    json!({ "command": "cancel", "body": { "reason": "ordered twice" } })
}

fn address(street: &str) -> Value {
    json!({ "name": "Ada", "street": street, "postal_code": "10115", "city": "Berlin", "country": "DE" })
}

impl Command {
    pub(crate) fn new(order_id: Uuid, key: Uuid, request: Value) -> Self {
        Self { order_id, key: key.to_string(), request, if_match: None }
    }

    /// The id that the service derives for the command from the order and the key. Events refer to it.
    pub(crate) fn id(&self) -> Uuid {
        let name = format!("9:anonymous,{}:{}", self.key.len(), self.key);
        Uuid::new_v5(&self.order_id, name.as_bytes())
    }

    fn path(&self) -> String {
        let order_id = self.order_id;
        match self.request["command"].as_str().unwrap() {
            "place" => "/orders".to_owned(),
            "move" => format!("/orders/{order_id}/delivery-address"),
            _ => format!("/orders/{order_id}/cancel"),
        }
    }

    /// Sends the command once.
    pub(crate) async fn send(&self, http: &Client, url: &str) -> Answer {
        let mut request = http
            .post(format!("{url}{}", self.path()))
            .header("idempotency-key", &self.key)
            .json(&self.request["body"]);
        if let Some(version) = self.if_match {
            request = request.header("if-match", format!("\"{version}\""));
        }
        match request.send().await {
            Ok(response) => interpret(response).await,
            Err(error) if error.is_connect() => Answer::NotSent,
            Err(_) => Answer::Unknown,
        }
    }
}

/// Interprets a response. If its body is incomplete, the outcome is unknown.
async fn interpret(response: Response) -> Answer {
    let has = |name| response.headers().contains_key(name);
    let (status, retry_after, replayed) =
        (response.status(), has("retry-after"), has("idempotency-replayed"));
    let Ok(text) = response.text().await else {
        return Answer::Unknown;
    };
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    let code = body["type"].as_str().and_then(|kind| kind.strip_prefix("/problems/")).unwrap_or_default();
    let answer = match (status, code) {
        (StatusCode::OK | StatusCode::CREATED, _) => accepted(&body, replayed),
        (StatusCode::PRECONDITION_FAILED, "version-mismatch") => {
            body["current_version"].as_u64().map(|current| Answer::OtherVersion { current })
        }
        (StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused") => Some(Answer::KeyReused),
        (StatusCode::NOT_FOUND | StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY, code) => {
            Some(Answer::Refused { code: code.to_owned() })
        }
        (StatusCode::SERVICE_UNAVAILABLE, "outcome-unknown") if retry_after => Some(Answer::Unknown),
        (StatusCode::SERVICE_UNAVAILABLE, code) if retry_after => {
            Some(Answer::NotExecuted { code: code.to_owned() })
        }
        _ => None,
    };
    answer.unwrap_or_else(|| Answer::Invalid(format!("{status}, Retry-After: {retry_after}, {text}")))
}

fn accepted(body: &Value, replayed: bool) -> Option<Answer> {
    let events = body["events"].as_array()?.iter();
    let ids: Option<Vec<Uuid>> = events.map(|event| event["id"].as_str()?.parse().ok()).collect();
    let position = &body["position"];
    let location = position["partition"].as_i64().zip(position["offset"].as_i64());
    Some(Answer::Accepted {
        version: body["version"].as_u64()?,
        events: ids?,
        position: location.and_then(|(partition, offset)| Some((i32::try_from(partition).ok()?, offset))),
        replayed,
    })
}
