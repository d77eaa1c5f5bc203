//! What all responses have in common, and the responses to unknown routes and methods.

use axum::{Router, routing::get};
use reqwest::Client;
use service_kit::{RequestContext, http::Limits};

use super::{Server, problem};

#[tokio::test]
async fn an_unknown_route_is_not_found() {
    let server = Server::with_shop().await;
    let response = Client::new().get(server.url("/nothing")).send().await.unwrap();
    assert_eq!(response.status(), 404);
    problem(response, "not-found").await;
}

#[tokio::test]
async fn the_response_to_a_wrong_method_lists_the_allowed_ones() {
    let server = Server::with_shop().await;
    for (path, allow) in [("/baskets", "POST"), ("/slow", "GET,HEAD,POST")] {
        let response = Client::new().delete(server.url(path)).send().await.unwrap();
        assert_eq!(response.status(), 405);
        assert_eq!(response.headers()["allow"], allow);
        problem(response, "method-not-allowed").await;
    }
}

#[tokio::test]
async fn a_query_that_panics_is_an_internal_problem_without_details() {
    let server = Server::with_shop().await;
    let response = Client::new().get(server.url("/panic")).send().await.unwrap();
    assert_eq!(response.status(), 500);
    let problem = problem(response, "internal").await;
    assert!(!problem.to_string().contains("hunter2"), "{problem}");
}

#[tokio::test]
async fn a_command_that_panics_has_an_unknown_outcome() {
    let server = Server::with_shop().await;
    let response = Client::new().post(server.url("/panic")).send().await.unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "1");
    problem(response, "outcome-unknown").await;
}

#[tokio::test]
async fn the_type_of_a_problem_is_a_link_to_its_description() {
    let server = Server::with_shop().await;
    let response = Client::new().get(server.url("/problems/not-found")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.text().await.unwrap().starts_with("# not-found\n"));
}

#[tokio::test]
async fn http_2_without_tls_is_supported() {
    let server = Server::with_shop().await;
    let client = Client::builder().http2_prior_knowledge().build().unwrap();
    let response = client.get(server.url("/pages")).send().await.unwrap();
    assert_eq!(response.version(), reqwest::Version::HTTP_2);
    assert_eq!(response.text().await.unwrap(), "50");
}

async fn context(headers: &[(&str, &str)]) -> (String, Vec<String>) {
    let echo = async |context: RequestContext| {
        [context.request_id, context.correlation_id, context.causation_id, context.actor, context.traceparent]
            .join("\n")
    };
    let server = Server::start(Router::new().route("/", get(echo)), Limits::default()).await;
    let request = headers
        .iter()
        .fold(Client::new().get(server.url("/")), |request, (name, value)| request.header(*name, *value));
    let response = request.send().await.unwrap();
    let request_id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    (request_id, response.text().await.unwrap().lines().map(str::to_owned).collect())
}

#[tokio::test]
async fn valid_ids_from_a_client_are_kept() {
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let (request_id, context) =
        context(&[("x-request-id", "r-1"), ("x-correlation-id", "c-1"), ("traceparent", trace)]).await;
    assert_eq!(request_id, "r-1");
    assert_eq!(context, ["r-1", "c-1", "r-1", "anonymous", trace]);
}

#[tokio::test]
async fn invalid_ids_from_a_client_are_replaced() {
    let long = "x".repeat(129);
    for id in ["", "two words", "tab\there", long.as_str()] {
        let (request_id, context) =
            context(&[("x-request-id", id), ("x-correlation-id", id), ("traceparent", id)]).await;
        assert_eq!(uuid::Uuid::parse_str(&request_id).unwrap().get_version_num(), 7);
        assert_eq!(context[..3], [request_id.clone(), request_id.clone(), request_id]);
        assert_eq!(context[4].len(), 55);
    }
}

#[tokio::test]
async fn a_repeated_single_valued_header_is_refused() {
    let server = Server::with_shop().await;
    for name in [
        "content-type",
        "idempotency-key",
        "last-event-id",
        "traceparent",
        "x-correlation-id",
        "x-request-id",
    ] {
        let request = Client::new().get(server.url("/pages")).header(name, "same").header(name, "same");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 400, "{name}");
        assert_ne!(response.headers()["x-request-id"], "same");
        let problem = problem(response, "invalid-header").await;
        assert_eq!(problem["detail"], format!("{name}: given more than once"));
    }
    let preferences = Client::new().get(server.url("/pages")).header("prefer", "a").header("prefer", "b");
    assert_eq!(preferences.send().await.unwrap().status(), 200);
}
