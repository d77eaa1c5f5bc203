//! The admin port and the description of the API.

use axum::Router;
use reqwest::Client;
use serde_json::Value;
use service_kit::{
    admin, docs,
    health::Health,
    http::{HttpSettings, Limits},
    settings::Environment,
    telemetry::{self, TelemetrySettings},
};

use super::{Server, free_port};

#[tokio::test]
async fn the_admin_port_reports_liveness_readiness_and_metrics() {
    // The log and the recorder are global, so only one test can install them.
    let settings = TelemetrySettings::read(&mut Environment::from([("FOLDLINE_LOG", "warn")]));
    let metrics = telemetry::install(settings).unwrap();
    let listener = free_port().await;
    let url = format!("http://{}", listener.local_addr().unwrap());
    let health = Health::default();
    let component = health.component("shard-3");
    let serving = tokio::spawn(admin::serve(listener, health, metrics));
    let get = async |path: &str| Client::new().get(format!("{url}{path}")).send().await.unwrap();

    assert_eq!(get("/health/live").await.status(), 204);
    let ready = get("/health/ready").await;
    assert_eq!(ready.status(), 503);
    let ready: Value = ready.json().await.unwrap();
    assert_eq!(ready["parts"]["shard-3"]["reason"], "starting");
    component.ready();
    assert_eq!(get("/health/ready").await.status(), 200);
    let exposition = get("/metrics").await.text().await.unwrap();
    let count = r#"http_requests_total{method="GET",route="/health/ready",status="503"} 1"#;
    assert!(exposition.contains(count), "{exposition}");
    assert!(exposition.contains(r#"http_request_seconds_bucket{method="GET",route="/health/ready""#));
    serving.abort();
}

#[tokio::test]
async fn the_openapi_description_and_its_page_are_served() {
    let api = utoipa::openapi::OpenApiBuilder::new().build();
    let server = Server::start(Router::new().merge(docs::router(api)), Limits::default()).await;
    let description: Value =
        Client::new().get(server.url("/openapi.json")).send().await.unwrap().json().await.unwrap();
    assert!(description["openapi"].as_str().unwrap().starts_with("3."));
    let page = Client::new().get(server.url("/docs")).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("swagger-ui"));
}

#[tokio::test]
async fn the_error_for_an_address_in_use_names_the_address_and_its_variable() {
    let listener = free_port().await;
    let in_use = listener.local_addr().unwrap().to_string();
    let settings = HttpSettings::read(&mut Environment::default(), &in_use);
    let error = settings.listen().await.unwrap_err().to_string();
    assert!(error.contains("FOLDLINE_HTTP_ADDRESS") && error.contains(&in_use), "{error}");
}
