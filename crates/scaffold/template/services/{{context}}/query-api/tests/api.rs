//! Tests the services of {{plural_words}} as a client, from a command to the queries.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use test_kit::{Service, TestEnvironment};

/// Sends a request that must succeed. Returns the consistency token and the body.
async fn send(request: RequestBuilder) -> (String, Value) {
    let response = request.send().await.and_then(Response::error_for_status).unwrap();
    let token = response.headers().get("consistency-token").map(|token| token.to_str().unwrap().to_owned());
    (token.unwrap_or_default(), response.json().await.unwrap())
}

#[tokio::test]
async fn {{an}}_{{aggregate}}_is_created_renamed_and_read_back_with_its_token() {
    let environment = TestEnvironment::prepared();
    let commands = Service::command_api(&environment, "{{context}}").ready().await;
    let _projector = Service::projector(&environment, "{{context}}").ready().await;
    let queries = Service::query_api(&environment, "{{context}}").ready().await;
    // Without pooled connections, because the service may close one that was idle during the rebuild just as it is used
    // again.
    let http = Client::builder().pool_max_idle_per_host(0).build().unwrap();
    let post = |path: &str, body: &Value| http.post(format!("{}{path}", commands.url)).json(body);
    let get = |path: &str, token: &str| {
        http.get(format!("{}{path}", queries.url)).header("consistency-token", token).header("prefer", "wait=9")
    };

    let (_, created) = send(post("/{{path}}", &json!({ "name": "first" }))).await;
    let path = format!("/{{path}}/{}", created["{{aggregate}}_id"].as_str().unwrap());
    let (token, renamed) = send(post(&format!("{path}/rename"), &json!({ "name": "second" }))).await;
    assert_eq!(renamed["version"], 2);

    let (_, {{aggregate}}) = send(get(&path, &token)).await;
    assert_eq!(({{aggregate}}["name"].as_str(), &{{aggregate}}["version"]), (Some("second"), &json!(2)));
    let (_, earlier) = send(get(&format!("{path}?version=1"), &token)).await;
    assert_eq!(earlier["name"], "first");
    let (_, list) = send(get("/{{path}}", &token)).await;
    assert_eq!(list["{{plural}}"], json!([{{aggregate}}]));
    let (_, history) = send(get(&format!("{path}/history"), &token)).await;
    assert_eq!(history["events"].as_array().unwrap().len(), 2);

    environment.foldline("projections rebuild {{plural}} --promote --yes");
    let (_, rebuilt) = send(get(&path, &token)).await;
    assert_eq!(rebuilt, {{aggregate}});
}
