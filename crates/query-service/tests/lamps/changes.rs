use query_service::JOURNAL;
use serde_json::json;

use crate::{queries::DESK, room::Room, stream::Stream};

#[tokio::test]
async fn a_stream_goes_on_after_the_event_that_was_seen_last() {
    let mut room = Room::empty().await;
    let mut stream = Stream::of(room.open("/lamps/changes", &[]).await);
    stream.until_heartbeat().await;
    room.install("desk", "study").await;
    let (event, data) = stream.event().await;
    assert_eq!(
        (event.as_str(), &data["lamp_id"], &data["version"]),
        ("LampInstalled", &json!("desk"), &json!(1))
    );
    assert_eq!((&data["type"], &data["event"]), (&json!("LampInstalled"), &json!({ "room": "study" })));
    let last_id = stream.last_id.clone();
    drop(stream);

    room.switch_on("desk").await;
    let mut resumed = Stream::of(room.open("/lamps/changes", &[("last-event-id", &last_id)]).await);
    assert_eq!(resumed.event().await.1["version"], 2);
    room.install("floor", "study").await;
    assert_eq!(resumed.event().await.1["lamp_id"], "floor");
    let refused = room.ask("/lamps/changes", &[("last-event-id", "rubbish")]).await;
    assert_eq!(refused.problem(), "invalid-header");
}

#[tokio::test]
async fn changes_are_filtered_by_aggregate_by_type_and_by_a_field_of_the_first_event() {
    let mut room = Room::empty().await;
    for (lamp, place) in [(DESK, "study"), ("floor", "hall"), ("wall", "hall")] {
        room.install(lamp, place).await;
    }
    let mut hall = Stream::of(room.open("/rooms/hall/changes?from=beginning", &[]).await);
    let mut lamps = [hall.event().await.1, hall.event().await.1].map(|data| data["lamp_id"].to_string());
    lamps.sort();
    assert_eq!(lamps, ["\"floor\"", "\"wall\""]);
    room.switch_on(DESK).await;
    room.switch_on("wall").await;
    assert_eq!(hall.event().await.0, "LampSwitchedOn");
    let mut desk = Stream::of(room.open(&format!("/lamps/changes?from=beginning&lamp_id={DESK}"), &[]).await);
    assert_eq!([desk.event().await.0, desk.event().await.0], ["LampInstalled", "LampSwitchedOn"]);
    let mut switched_on =
        Stream::of(room.open("/lamps/changes?from=beginning&type=LampSwitchedOn", &[]).await);
    assert_eq!([switched_on.event().await.0, switched_on.event().await.0], ["LampSwitchedOn"; 2]);
    for query in ["lamp_id=desk", "room=hall", "from=now&from=now"] {
        let refused = room.ask(&format!("/lamps/changes?{query}"), &[]).await;
        assert_eq!((refused.status.as_u16(), refused.problem()), (400, "invalid-query-parameter"), "{query}");
    }
}

#[tokio::test]
async fn an_event_that_came_before_the_first_page_is_sent_to_a_stream_that_was_open_already() {
    let mut room = Room::empty().await;
    let mut stream = Stream::of(room.open("/lamps/changes", &[]).await);
    // It has read the table to its end.
    stream.until_heartbeat().await;
    let token = room.append("desk", "LampInstalled", json!({ "room": "study" })).await;
    // The first move that the service hears of is already past the event.
    room.project(&[JOURNAL], &token).await;
    assert_eq!(stream.event().await.0, "LampInstalled");
}

#[tokio::test]
async fn too_many_streams_are_refused_and_all_end_at_shutdown() {
    let room = Room::empty().await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        streams.push(Stream::of(room.open("/lamps/changes", &[]).await));
    }
    let refused = room.ask("/lamps/changes", &[]).await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (503, "overloaded"));
    room.shutdown.cancel();
    for mut stream in streams {
        assert_eq!(stream.event().await, ("end".to_owned(), json!({ "reason": "shutting-down" })));
        assert_eq!(stream.block().await, None);
    }
}
