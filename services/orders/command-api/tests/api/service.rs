//! The service itself: its API description, request ids, health, metrics, settings and shutdown.

use test_kit::TestEnvironment;

use crate::support::{Api, send};

#[tokio::test]
async fn the_api_description_loads_nothing_from_another_host() {
    let api = Api::ready().await;
    let description = api.get("/openapi.json").await.expect_status(200).body();
    let paths: Vec<_> = description["paths"].as_object().unwrap().keys().collect();
    assert_eq!(
        paths,
        [
            "/commands/{command_id}",
            "/orders",
            "/orders/{order_id}/cancel",
            "/orders/{order_id}/delivery-address"
        ]
    );
    assert!(description["paths"][paths[0]]["get"]["summary"].is_string());
    for path in &paths[1..] {
        let command = &description["paths"][path]["post"];
        assert!(command["summary"].is_string() && command["requestBody"].is_object(), "{command}");
    }
    let page = api.get("/docs/").await.expect_status(200).text;
    for part in ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-initializer.js"] {
        assert!(page.contains(part), "{page}");
        api.get(&format!("/docs/{part}")).await.expect_status(200);
    }
    let start = api.get("/docs/swagger-initializer.js").await.text;
    assert!(start.contains("\"/openapi.json\""), "{start}");
    for text in [page, start] {
        assert!(!text.contains("://") && !text.contains("\"//"), "another host is used: {text}");
    }
}

#[tokio::test]
async fn every_response_has_a_request_id_which_is_that_of_the_caller_if_it_is_valid() {
    let api = Api::ready().await;
    for path in ["/orders", "/nowhere", "/openapi.json"] {
        let request =
            |id: &str| api.http.get(format!("{}{path}", api.service.url)).header("x-request-id", id);
        let answer = send(request("my-own-id")).await;
        assert_eq!(answer.header("x-request-id"), "my-own-id", "{path}");
        for invalid in ["", "two words", &"x".repeat(129)] {
            let generated = send(request(invalid)).await.header("x-request-id").to_owned();
            assert_eq!(generated.parse::<uuid::Uuid>().unwrap().get_version_num(), 7, "{path}");
        }
    }
}

#[tokio::test]
async fn health_and_metrics_are_served_only_on_the_admin_port() {
    let api = Api::ready().await;
    api.place().await;
    send(api.post("/orders", &serde_json::json!({}))).await.problem(400, "invalid-body");
    let metrics = api.service.metrics().await;
    for line in [
        "commands_total{outcome=\"accepted\"} 1\n",
        "http_requests_total{method=\"POST\",route=\"/orders\",status=\"201\"} 1\n",
        "shard_owned{shard=\"1\"} 1\n",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    for path in ["/metrics", "/health/ready", "/health/live"] {
        api.get(path).await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn invalid_settings_end_the_service_and_are_all_reported() {
    let settings = [
        ("FOLDLINE_COMMIT_TIMEOUT", "soon"),
        ("FOLDLINE_COMIT_TIMEOUT", "1s"),
        ("FOLDLINE_MAX_GROUP_SIZE", "0"),
    ];
    let mut api = Api::starting(TestEnvironment::empty(), &settings);
    assert!(!api.service.ended().await.success());
    let log = api.service.log();
    for (name, _) in settings {
        assert!(log.contains(name), "{name} is not in {log}");
    }
}

#[tokio::test]
async fn an_idle_service_exits_on_sigterm() {
    let mut api = Api::ready().await;
    api.service.signal("TERM");
    assert!(api.service.ended().await.success(), "{}", api.service.log());
}
