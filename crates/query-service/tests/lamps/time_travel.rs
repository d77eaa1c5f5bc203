use serde_json::json;

use crate::{queries::DESK, test_api::TestApi};

#[tokio::test]
async fn an_earlier_state_is_the_fold_of_the_events_up_to_that_version_or_time() {
    let mut api = TestApi::start().await;
    api.install("desk", "study").await;
    api.switch_on("desk").await;
    let token = api.switch_on("desk").await;
    for (query, version) in [
        ("version=1", 1),
        ("version=3", 3),
        ("as_of=2026-11-20T10:00:00Z", 1),
        ("as_of=2026-11-20T10:01:59Z", 2),
        ("as_of=2027-01-01T00:00:00Z", 3),
    ] {
        let response = api.get_with(&format!("/lamps/desk?{query}"), &[("consistency-token", &token)]).await;
        assert_eq!(
            response.body,
            json!({ "lamp_id": "desk", "version": version, "switched_on": version - 1 }),
            "{query}"
        );
        assert_eq!(response.header("etag"), format!("\"{version}\""), "{query}");
    }
    for (path, problem) in [
        ("/lamps/desk?version=4", "lamp-version-not-found"),
        ("/lamps/desk?as_of=2026-11-20T09:59:59Z", "lamp-version-not-found"),
        ("/lamps/floor?version=1", "lamp-not-found"),
        ("/lamps/desk?version=1&as_of=2026-11-20T10:00:00Z", "invalid-query-parameter"),
    ] {
        assert_eq!(api.get(path).await.problem(), problem, "{path}");
    }
}

#[tokio::test]
async fn the_state_after_a_gap_in_the_journal_is_unknown() {
    let mut api = TestApi::start().await;
    api.install("desk", "study").await;
    api.switch_on("desk").await;
    api.switch_on("desk").await;
    sqlx::raw_sql("DELETE FROM journal WHERE version = 2").execute(&mut api.database).await.unwrap();
    assert_eq!(api.get("/lamps/desk?version=1").await.status, 200);
    let response = api.get("/lamps/desk?version=3").await;
    assert_eq!((response.status.as_u16(), response.problem()), (500, "lamp-history-incomplete"));
    assert_eq!(response.body["missing_version"], 2);
}

#[tokio::test]
async fn a_history_pages_through_all_events_of_its_aggregate() {
    let mut api = TestApi::start().await;
    api.install(DESK, "study").await;
    let token = api.switch_on(DESK).await;
    api.install("floor", "study").await;
    let path = format!("/lamps/{DESK}/history");
    let first = api.get_with(&format!("{path}?limit=1"), &[("consistency-token", &token)]).await;
    let event = &first.body["events"][0];
    assert_eq!((&event["version"], &event["type"]), (&json!(1), &json!("LampInstalled")));
    assert_eq!(
        (&event["data"], &event["occurred_at"]),
        (&json!({ "room": "study" }), &json!("2026-11-20T10:00:00Z"))
    );
    assert_eq!(event["position"]["topic"], "lamps.events");

    let link = first.header("link");
    let last = api.get(&link[1..link.find('>').unwrap()]).await;
    assert_eq!(last.body["events"].as_array().unwrap().len(), 1);
    assert_eq!((&last.body["events"][0]["version"], last.has("link")), (&json!(2), false));

    assert_eq!(api.get(&path.replace("01a1", "01a2")).await.problem(), "lamp-not-found");
    assert_eq!(api.get("/lamps/desk/history").await.problem(), "invalid-path-parameter");
    assert_eq!(api.get(&format!("{path}?page=2")).await.problem(), "invalid-query-parameter");
}
