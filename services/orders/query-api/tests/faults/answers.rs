//! The interpretation of the query API's responses.

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use test_kit::read_history::{Behind, Offsets, ReadAnswer, Shown};

use crate::{model::normalized_times, requests::header};

/// The document in a response, and its position.
pub(crate) struct Document {
    /// Null if there is no document.
    pub(crate) body: Value,
    pub(crate) offsets: Offsets,
    /// By partition, the offset from which rows may be behind.
    pub(crate) behind: Offsets,
}

/// A response to any query.
pub(crate) enum Reply {
    Document(Document),
    /// The write was not visible in time. `is_behind` is true if its events are parked.
    NotYetVisible {
        is_behind: bool,
    },
    Other(ReadAnswer),
}

impl Reply {
    pub(crate) async fn of(answer: reqwest::Result<Response>) -> Self {
        let Ok(answer) = answer else {
            return Self::Other(ReadAnswer::NoResponse);
        };
        let (status, retry_after) = (answer.status(), answer.headers().contains_key("retry-after"));
        let positions = |name| header(&answer, name).map(|token| offsets(&token)).unwrap_or_default();
        let (offsets, behind) = (positions("consistency-token"), positions("behind-since"));
        let Ok(text) = answer.text().await else {
            return Self::Other(ReadAnswer::NoResponse);
        };
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        let code = body["type"].as_str().and_then(|kind| kind.strip_prefix("/problems/")).unwrap_or_default();
        match (status, code) {
            (StatusCode::OK, _) => Self::Document(Document { body, offsets, behind }),
            (StatusCode::NOT_FOUND, "order-not-found") => {
                Self::Document(Document { body: Value::Null, offsets, behind })
            }
            (StatusCode::SERVICE_UNAVAILABLE, "not-yet-visible") if retry_after => {
                Self::NotYetVisible { is_behind: !behind.is_empty() }
            }
            (StatusCode::SERVICE_UNAVAILABLE, code) if retry_after => {
                Self::Other(ReadAnswer::Unavailable { code: code.to_owned() })
            }
            _ => Self::Other(ReadAnswer::Invalid(format!("{status}, Retry-After: {retry_after}, {text}"))),
        }
    }
}

/// The part of an answer that concerns one order.
pub(crate) fn shown(order: &Value, offsets: Offsets, behind: Behind) -> ReadAnswer {
    let version = order["version"].as_u64().unwrap_or(0);
    let content = if order.is_null() { Value::Null } else { content(order) };
    ReadAnswer::Shown(Shown { version, content, offsets, behind })
}

/// Converts the document to the form of a [`model`](crate::model).
fn content(order: &Value) -> Value {
    normalized_times(json!({
        "status": order["status"], "customer_id": order["customer_id"], "currency": order["currency"],
        "total_minor": order["total_minor"], "lines": order["lines"], "address": order["delivery_address"],
        "version": order["version"], "placed_at": order["placed_at"], "updated_at": order["updated_at"],
        "reason": order["cancellation"]["reason"], "cancelled_at": order["cancellation"]["cancelled_at"],
    }))
}

/// Parses a token: `orders.events/3@1042,orders.events/4@7`.
pub(crate) fn offsets(token: &str) -> Offsets {
    let positions = token.split(',').map(|position| {
        let (partition, offset) = position.rsplit_once('/').unwrap().1.split_once('@').unwrap();
        (partition.parse().unwrap(), offset.parse().unwrap())
    });
    positions.collect()
}

/// Formats a token for a topic.
pub(crate) fn format_token(topic: &str, offsets: &Offsets) -> String {
    let positions = offsets.iter().map(|(partition, offset)| format!("{topic}/{partition}@{offset}"));
    positions.collect::<Vec<_>>().join(",")
}
