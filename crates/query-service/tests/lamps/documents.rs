use serde_json::json;

use crate::test_api::TestApi;

#[tokio::test]
async fn a_client_that_has_the_current_version_gets_304() {
    let mut api = TestApi::start().await;
    let token = api.install("desk", "study").await;
    for (tag, status) in [("\"1\"", 304), ("W/\"1\"", 304), ("*", 304), ("\"2\"", 200), ("\"7\", \"1\"", 304)]
    {
        let response = api.get_with("/lamps/desk", &[("if-none-match", tag)]).await;
        assert_eq!((response.status.as_u16(), response.header("etag")), (status, "\"1\""), "{tag}");
        assert_eq!(response.header("consistency-token"), token, "{tag}");
    }
}

#[tokio::test]
async fn the_code_of_a_not_found_problem_contains_the_aggregates_name() {
    let mut api = TestApi::start().await;
    let token = api.install("desk", "study").await;
    let response = api.get_with("/lamps/floor", &[("consistency-token", &token)]).await;
    assert_eq!((response.status.as_u16(), response.problem()), (404, "lamp-not-found"));
    assert_eq!(response.header("cache-control"), "private, no-cache");
}

#[tokio::test]
async fn shared_routes_are_described_with_the_names_of_the_context() {
    let api = TestApi::start().await;
    let paths = &api.get("/openapi.json").await.body["paths"];
    let parameters = |path: &str| {
        let parameters = paths[path]["get"]["parameters"].as_array().unwrap().iter();
        parameters.map(|parameter| json!([parameter["name"], parameter["in"]])).collect::<Vec<_>>()
    };
    assert_eq!(
        json!(parameters("/lamps/{lamp_id}/history")),
        json!([
            ["lamp_id", "path"],
            ["limit", "query"],
            ["cursor", "query"],
            ["Consistency-Token", "header"],
            ["Prefer", "header"]
        ])
    );
    assert_eq!(
        json!(parameters("/lamps/changes")),
        json!([["lamp_id", "query"], ["type", "query"], ["from", "query"], ["Last-Event-ID", "header"]])
    );
    let lamp = &paths["/lamps/{lamp_id}/history"]["get"]["parameters"][0];
    assert_eq!((&lamp["description"], &lamp["required"]), (&json!("Which lamp."), &json!(true)));
    assert!(!paths.to_string().contains("aggregate"), "{paths}");
}
