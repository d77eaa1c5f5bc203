//! Invalid bodies, each with its status. The response never repeats the body.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::Bytes;
use hyper::body::{Body, Frame};
use reqwest::{Client, Response};

use super::{Server, problem};

async fn post(server: &Server, body: impl Into<reqwest::Body>) -> Response {
    let request =
        Client::new().post(server.url("/baskets")).header("content-type", "application/json; charset=utf-8");
    request.body(body).send().await.unwrap()
}

#[tokio::test]
async fn a_valid_body_is_accepted() {
    let server = Server::with_shop().await;
    let response = post(&server, r#"{"lines": [{"sku": "tea", "quantity": 2}]}"#).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.text().await.unwrap(), "2 tea");
}

#[tokio::test]
async fn a_body_that_is_not_json_is_malformed() {
    let server = Server::with_shop().await;
    for body in ["", "{", "{\"lines\": [}", "hunter2", "{\"lines\": []} x", "\u{feff}{}", "{\"lines\": [1e]}"]
    {
        let response = post(&server, body).await;
        assert_eq!(response.status(), 400, "{body}");
        let problem = problem(response, "malformed-json").await;
        assert!(problem["detail"].as_str().unwrap().contains(" at line 1 column "), "{problem}");
        assert!(!problem.to_string().contains("hunter2"), "{problem}");
    }
}

#[tokio::test]
async fn an_invalid_field_is_named_without_its_value() {
    let server = Server::with_shop().await;
    for (body, field, message) in [
        (r#"{"lines": [{"sku": "a", "quantity": "hunter2"}]}"#, "lines[0].quantity", "expected u32"),
        (r#"{"lines": [{"sku": "a", "quantity": -1}]}"#, "lines[0].quantity", "expected u32"),
        (r#"{"lines": [{"sku": "a", "quantity": 1.5}]}"#, "lines[0].quantity", "expected u32"),
        (r#"{"lines": [{"sku": "a"}]}"#, "lines[0]", "missing field `quantity`"),
        (r#"{"lines": [{"sku": "a", "sku": "b"}]}"#, "lines[0]", "duplicate field `sku`"),
        (r#"{"lines": null}"#, "lines", "expected a sequence"),
        (r#" [[{"sku": "a", "quantity": 1}]]"#, ".", "expected an object"),
        (r#"{"lines": [["hunter2", 1]]}"#, "lines[0]", "expected an object"),
        (r#""hunter2""#, ".", "expected an object"),
        ("null", ".", "expected an object"),
    ] {
        let response = post(&server, body).await;
        assert_eq!(response.status(), 400, "{body}");
        let problem = problem(response, "invalid-body").await;
        assert_eq!(problem["field"], field, "{problem}");
        assert_eq!(problem["detail"], format!("{field}: {message}"), "{problem}");
    }
}

#[tokio::test]
async fn an_unknown_field_is_refused() {
    let server = Server::with_shop().await;
    let response = post(&server, r#"{"lines": [], "discount": "hunter2"}"#).await;
    assert_eq!(response.status(), 400);
    let problem = problem(response, "invalid-body").await;
    assert_eq!(problem["detail"], "discount: unknown field");
}

#[tokio::test]
async fn deep_nesting_is_refused_and_does_not_overflow_the_stack() {
    let server = Server::with_shop().await;
    let response = post(&server, "[".repeat(60_000)).await;
    assert_eq!(response.status(), 400);
    let response = post(&server, format!(r#"{{"lines": {}"#, "[".repeat(60_000))).await;
    assert_eq!(response.status(), 400);
}

#[tokio::test]
async fn a_body_without_a_json_content_type_is_refused() {
    let server = Server::with_shop().await;
    for content_type in
        [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/jsonx")]
    {
        let mut request = Client::new().post(server.url("/baskets")).body(r#"{"lines": []}"#);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 415, "{content_type:?}");
        problem(response, "unsupported-media-type").await;
    }
}

#[tokio::test]
async fn a_body_with_a_content_encoding_is_refused() {
    let server = Server::with_shop().await;
    let post = |coding: &str| {
        let request = Client::new().post(server.url("/baskets")).header("content-type", "application/json");
        request.header("content-encoding", coding).body(r#"{"lines": []}"#).send()
    };
    for coding in ["gzip", "br", "identity, GZIP", "ü"] {
        let response = post(coding).await.unwrap();
        assert_eq!(response.status(), 415, "{coding}");
        assert_eq!(response.headers()["accept-encoding"], "identity");
        problem(response, "unsupported-media-type").await;
    }
    assert_eq!(post("Identity").await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_body_of_65_kib_is_too_large_with_and_without_a_content_length() {
    let server = Server::with_shop().await;
    let body = " ".repeat(65 * 1024);
    let chunked = reqwest::Body::wrap(Chunked(Some(body.clone())));
    for body in [reqwest::Body::from(body), chunked] {
        let response = post(&server, body).await;
        assert_eq!(response.status(), 413);
        let problem = problem(response, "payload-too-large").await;
        assert_eq!(problem["detail"], "the body is larger than 65536 bytes");
    }
}

#[tokio::test]
async fn a_body_of_64_kib_is_accepted() {
    let server = Server::with_shop().await;
    let json = r#"{"lines": []}"#;
    let response = post(&server, format!("{json}{}", " ".repeat(64 * 1024 - json.len()))).await;
    assert_eq!(response.status(), 200);
}

/// A body of unknown length, which is sent in chunks.
struct Chunked(Option<String>);

impl Body for Chunked {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|body| Ok(Frame::data(body.into()))))
    }
}
