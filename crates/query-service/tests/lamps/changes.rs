use query_service::JOURNAL;
use serde_json::json;

use crate::{queries::DESK, stream::Stream, test_api::TestApi};

#[tokio::test]
async fn a_stream_resumes_after_the_last_event_that_was_seen() {
    let mut api = TestApi::start().await;
    let mut stream = Stream::new(api.send("/lamps/changes", &[]).await);
    stream.wait_for_heartbeat().await;
    api.install("desk", "study").await;
    let (event, data) = stream.next_event().await;
    assert_eq!(
        (event.as_str(), &data["lamp_id"], &data["version"]),
        ("LampInstalled", &json!("desk"), &json!(1))
    );
    assert_eq!((&data["type"], &data["event"]), (&json!("LampInstalled"), &json!({ "room": "study" })));
    let last_id = stream.last_id.clone();
    drop(stream);

    api.switch_on("desk").await;
    let mut resumed = Stream::new(api.send("/lamps/changes", &[("last-event-id", &last_id)]).await);
    assert_eq!(resumed.next_event().await.1["version"], 2);
    api.install("floor", "study").await;
    assert_eq!(resumed.next_event().await.1["lamp_id"], "floor");
    let refused = api.get_with("/lamps/changes", &[("last-event-id", "rubbish")]).await;
    assert_eq!(refused.problem(), "invalid-header");
}

#[tokio::test]
async fn changes_can_be_filtered_by_aggregate_type_and_a_field_of_the_first_event() {
    let mut api = TestApi::start().await;
    for (lamp, place) in [(DESK, "study"), ("floor", "hall"), ("wall", "hall")] {
        api.install(lamp, place).await;
    }
    let mut hall = Stream::new(api.send("/rooms/hall/changes?from=beginning", &[]).await);
    let mut lamps =
        [hall.next_event().await.1, hall.next_event().await.1].map(|data| data["lamp_id"].to_string());
    lamps.sort();
    assert_eq!(lamps, ["\"floor\"", "\"wall\""]);
    api.switch_on(DESK).await;
    api.switch_on("wall").await;
    assert_eq!(hall.next_event().await.0, "LampSwitchedOn");
    let mut desk = Stream::new(api.send(&format!("/lamps/changes?from=beginning&lamp_id={DESK}"), &[]).await);
    assert_eq!([desk.next_event().await.0, desk.next_event().await.0], ["LampInstalled", "LampSwitchedOn"]);
    let mut switched_on =
        Stream::new(api.send("/lamps/changes?from=beginning&type=LampSwitchedOn", &[]).await);
    assert_eq!([switched_on.next_event().await.0, switched_on.next_event().await.0], ["LampSwitchedOn"; 2]);
    for query in ["lamp_id=desk", "room=hall", "from=now&from=now"] {
        let refused = api.get_with(&format!("/lamps/changes?{query}"), &[]).await;
        assert_eq!((refused.status.as_u16(), refused.problem()), (400, "invalid-query-parameter"), "{query}");
    }
}

#[tokio::test]
async fn an_open_stream_receives_an_event_from_before_the_first_broadcast_page() {
    let mut api = TestApi::start().await;
    let mut stream = Stream::new(api.send("/lamps/changes", &[]).await);
    // By now the stream has read the whole table.
    stream.wait_for_heartbeat().await;
    let token = api.append("desk", "LampInstalled", json!({ "room": "study" })).await;
    // The first checkpoint that the service is notified of is already past the event.
    api.project(&[JOURNAL], &token).await;
    assert_eq!(stream.next_event().await.0, "LampInstalled");
}

#[tokio::test]
async fn a_stream_above_the_limit_is_refused_and_all_streams_end_at_shutdown() {
    let api = TestApi::start().await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        streams.push(Stream::new(api.send("/lamps/changes", &[]).await));
    }
    let refused = api.get_with("/lamps/changes", &[]).await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (503, "overloaded"));
    api.shutdown.cancel();
    for mut stream in streams {
        assert_eq!(stream.next_event().await, ("end".to_owned(), json!({ "reason": "shutting-down" })));
        assert_eq!(stream.next_block().await, None);
    }
}
