use serde_json::json;

use crate::{queries::DESK, room::Room};

#[tokio::test]
async fn the_state_at_an_earlier_version_or_time_is_the_fold_of_the_events_up_to_there() {
    let mut room = Room::empty().await;
    room.install("desk", "study").await;
    room.switch_on("desk").await;
    let token = room.switch_on("desk").await;
    for (query, version) in [
        ("version=1", 1),
        ("version=3", 3),
        ("as_of=2026-11-20T10:00:00Z", 1),
        ("as_of=2026-11-20T10:01:59Z", 2),
        ("as_of=2027-01-01T00:00:00Z", 3),
    ] {
        let answer = room.ask(&format!("/lamps/desk?{query}"), &[("consistency-token", &token)]).await;
        assert_eq!(
            answer.body,
            json!({ "lamp_id": "desk", "version": version, "switched_on": version - 1 }),
            "{query}"
        );
        assert_eq!(answer.header("etag"), format!("\"{version}\""), "{query}");
    }
    for (path, problem) in [
        ("/lamps/desk?version=4", "lamp-version-not-found"),
        ("/lamps/desk?as_of=2026-11-20T09:59:59Z", "lamp-version-not-found"),
        ("/lamps/floor?version=1", "lamp-not-found"),
        ("/lamps/desk?version=1&as_of=2026-11-20T10:00:00Z", "invalid-query-parameter"),
    ] {
        assert_eq!(room.get(path).await.problem(), problem, "{path}");
    }
}

#[tokio::test]
async fn after_a_hole_in_the_journal_the_state_is_unknown() {
    let mut room = Room::empty().await;
    room.install("desk", "study").await;
    room.switch_on("desk").await;
    room.switch_on("desk").await;
    sqlx::raw_sql("DELETE FROM journal WHERE version = 2").execute(&mut room.database).await.unwrap();
    assert_eq!(room.get("/lamps/desk?version=1").await.status, 200);
    let answer = room.get("/lamps/desk?version=3").await;
    assert_eq!((answer.status.as_u16(), answer.problem()), (500, "lamp-history-incomplete"));
    assert_eq!(answer.body["missing_version"], 2);
}

#[tokio::test]
async fn a_history_has_every_event_in_pages() {
    let mut room = Room::empty().await;
    room.install(DESK, "study").await;
    let token = room.switch_on(DESK).await;
    room.install("floor", "study").await;
    let path = format!("/lamps/{DESK}/history");
    let first = room.ask(&format!("{path}?limit=1"), &[("consistency-token", &token)]).await;
    let event = &first.body["events"][0];
    assert_eq!((&event["version"], &event["type"]), (&json!(1), &json!("LampInstalled")));
    assert_eq!(
        (&event["data"], &event["occurred_at"]),
        (&json!({ "room": "study" }), &json!("2026-11-20T10:00:00Z"))
    );
    assert_eq!(event["position"]["topic"], "lamps.events");

    let link = first.header("link");
    let last = room.get(&link[1..link.find('>').unwrap()]).await;
    assert_eq!(last.body["events"].as_array().unwrap().len(), 1);
    assert_eq!((&last.body["events"][0]["version"], last.has("link")), (&json!(2), false));

    assert_eq!(room.get(&path.replace("01a1", "01a2")).await.problem(), "lamp-not-found");
    assert_eq!(room.get("/lamps/desk/history").await.problem(), "invalid-path-parameter");
    assert_eq!(room.get(&format!("{path}?page=2")).await.problem(), "invalid-query-parameter");
}
