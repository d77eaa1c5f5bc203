//! Responses, and assertions about them.

use reqwest::{
    RequestBuilder, StatusCode,
    header::{HeaderMap, HeaderValue},
};
use serde_json::Value;
use uuid::Uuid;

/// A response.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    text: String,
    /// The text as JSON; null if it is something else.
    pub(crate) body: Value,
}

/// Sends a request, and panics if there is no response.
pub(crate) async fn send(request: RequestBuilder) -> Answer {
    try_send(request).await.unwrap()
}

/// Sends a request to an instance that may have ended.
pub(crate) async fn try_send(request: RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send().await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await?;
    Ok(Answer { status, headers, body: serde_json::from_str(&text).unwrap_or_default(), text })
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// A field of the body, as text.
    pub(crate) fn text(&self, field: &str) -> &str {
        self.body[field].as_str().unwrap_or_else(|| panic!("{field} is not a text: {}", self.body))
    }

    /// The id of the account in the body.
    pub(crate) fn account_id(&self) -> Uuid {
        self.text("account_id").parse().unwrap()
    }

    /// Asserts the status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Asserts that it is a problem document with this status and code.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, code: &str) -> Self {
        assert_eq!(self.header("content-type"), "application/problem+json", "{code}: {}", self.text);
        assert_eq!(self.body["type"], format!("/problems/{code}"), "{}", self.text);
        assert_eq!(self.body["status"], status, "{}", self.text);
        assert_eq!(self.body["instance"], self.header("x-request-id"), "{}", self.text);
        assert!(self.body["title"].is_string(), "{}", self.text);
        self.expect(status)
    }

    /// Removes the headers that differ between a response and its replay.
    pub(crate) fn without_varying_headers(mut self) -> Self {
        for name in ["date", "x-request-id", "idempotency-replayed"] {
            self.headers.remove(name);
        }
        self
    }

    /// Asserts that it is a replay.
    #[track_caller]
    pub(crate) fn replayed(self) -> Self {
        assert_eq!(
            self.headers.get("idempotency-replayed"),
            Some(&HeaderValue::from_static("true")),
            "{}",
            self.text
        );
        self
    }
}
