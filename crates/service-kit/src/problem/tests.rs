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
fn the_documented_problems_are_exactly_those_of_the_platform() {
    let platform = page::PROBLEMS.split("\n## ").find(|part| part.starts_with("Platform\n")).unwrap();
    let documented: Vec<_> = platform.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let defined: Vec<_> = kinds::ALL.iter().map(|kind| kind.code).collect();
    assert_eq!(documented, defined);
}

#[test]
fn every_section_begins_with_the_status_of_its_problem() {
    for kind in kinds::ALL {
        let section = page::section(kind.code).unwrap();
        let status = format!("\n{}. ", kind.status.as_u16());
        assert!(section.contains(&status), "{}: {section}", kind.code);
    }
}

#[tokio::test]
async fn a_refusal_becomes_a_problem_with_its_code_and_fields() {
    let refusal = TooManyLines { maximum: 100, status: "must not replace the status" };
    let response = Problem::refused(&refusal).into_response();
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let expected = json!({
        "type": "/problems/too-many-lines",
        "title": "Too many lines",
        "status": 422,
        "detail": "an order has at most 100 lines",
        "maximum": 100,
    });
    assert_eq!(body(response).await, expected);
}

#[tokio::test]
async fn an_internal_error_is_not_shown() {
    let error = std::io::Error::other("password is hunter2");
    let response = Problem::internal(&error).into_response();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!body(response).await.to_string().contains("hunter2"));
}

#[test]
fn retry_after_is_at_least_one_second() {
    for (delay, seconds) in [(0, "1"), (1, "1"), (1000, "1"), (1001, "2")] {
        let problem = Problem::new(kinds::OVERLOADED).retry_after(Duration::from_millis(delay));
        assert_eq!(problem.into_response().headers()[RETRY_AFTER], seconds, "{delay} ms");
    }
}

#[tokio::test]
async fn the_type_of_a_problem_links_to_its_section() {
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
