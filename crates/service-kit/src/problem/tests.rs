use std::{fmt, time::Duration};

use aggregate::Refusal;
use axum::{
    body::Body,
    http::{Request, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use http_body_util::BodyExt;
use serde::Serialize;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{Problem, kinds, page};

#[derive(Debug, Clone, Serialize)]
struct TooManyLines {
    maximum: u32,
    status: &'static str,
}

impl fmt::Display for TooManyLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an order has at most {} lines", self.maximum)
    }
}

impl std::error::Error for TooManyLines {}

impl Refusal for TooManyLines {
    fn code(&self) -> &'static str {
        "too-many-lines"
    }
}

async fn body(response: Response) -> Value {
    serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

#[test]
fn every_problem_of_the_platform_has_its_paragraph_and_every_paragraph_its_problem() {
    let platform = page::PROBLEMS.split("\n## ").find(|part| part.starts_with("Platform\n")).unwrap();
    let documented: Vec<_> = platform.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let known: Vec<_> = kinds::ALL.iter().map(|kind| kind.code).collect();
    assert_eq!(documented, known);
}

#[test]
fn every_paragraph_begins_with_the_status_of_its_problem() {
    for kind in kinds::ALL {
        let paragraph = page::paragraph(kind.code).unwrap();
        let status = format!("\n{}. ", kind.status.as_u16());
        assert!(paragraph.contains(&status), "{}: {paragraph}", kind.code);
    }
}

#[tokio::test]
async fn a_refusal_becomes_a_problem_with_its_code_and_its_facts() {
    let refusal = TooManyLines { maximum: 100, status: "a fact must not hide the status" };
    let response = Problem::refused(&refusal).into_response();
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let wanted = json!({
        "type": "/problems/too-many-lines",
        "title": "Too many lines",
        "status": 422,
        "detail": "an order has at most 100 lines",
        "maximum": 100,
    });
    assert_eq!(body(response).await, wanted);
}

#[tokio::test]
async fn an_internal_error_is_not_shown() {
    let error = std::io::Error::other("password is hunter2");
    let response = Problem::internal(&error).into_response();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!body(response).await.to_string().contains("hunter2"));
}

#[test]
fn a_retry_is_never_asked_for_at_once() {
    for (delay, seconds) in [(0, "1"), (1, "1"), (1000, "1"), (1001, "2")] {
        let problem = Problem::new(kinds::OVERLOADED).retry_after(Duration::from_millis(delay));
        assert_eq!(problem.into_response().headers()[RETRY_AFTER], seconds, "{delay} ms");
    }
}

#[tokio::test]
async fn the_type_of_a_problem_links_to_its_paragraph() {
    let request = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    let found = page::router().oneshot(request("/problems/malformed-json")).await.unwrap();
    assert_eq!(found.status(), StatusCode::OK);
    assert_eq!(found.headers()["content-type"], "text/markdown; charset=utf-8");
    let text = found.into_body().collect().await.unwrap().to_bytes();
    assert!(text.starts_with(b"# malformed-json\n\n400."), "{text:?}");
    assert!(!String::from_utf8_lossy(&text).contains("invalid-body"));
    let unknown = page::router().oneshot(request("/problems/nothing")).await.unwrap();
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
}
