use serde_json::json;

use crate::room::Room;

#[tokio::test]
async fn a_caller_who_has_the_version_gets_304() {
    let mut room = Room::empty().await;
    let token = room.install("desk", "study").await;
    for (tag, status) in [("\"1\"", 304), ("W/\"1\"", 304), ("*", 304), ("\"2\"", 200), ("\"7\", \"1\"", 304)]
    {
        let answer = room.ask("/lamps/desk", &[("if-none-match", tag)]).await;
        assert_eq!((answer.status.as_u16(), answer.header("etag")), (status, "\"1\""), "{tag}");
        assert_eq!(answer.header("consistency-token"), token, "{tag}");
    }
}

#[tokio::test]
async fn the_problem_of_a_missing_aggregate_carries_its_name() {
    let mut room = Room::empty().await;
    let token = room.install("desk", "study").await;
    let answer = room.ask("/lamps/floor", &[("consistency-token", &token)]).await;
    assert_eq!((answer.status.as_u16(), answer.problem()), (404, "lamp-not-found"));
    assert_eq!(answer.header("cache-control"), "private, no-cache");
}

#[tokio::test]
async fn ready_made_routes_are_described_in_the_words_of_the_context() {
    let room = Room::empty().await;
    let paths = &room.get("/openapi.json").await.body["paths"];
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
