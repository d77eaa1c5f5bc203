use query_service::JOURNAL;
use serde_json::json;

use crate::{
    queries::{DESK, LAMPS},
    room::{Room, TOPIC},
};

#[tokio::test]
async fn a_query_waits_until_its_projection_has_reached_the_token() {
    let mut room = Room::empty().await;
    room.install("desk", "study").await;
    let token = room.append("desk", "LampSwitchedOn", json!({})).await;
    // The journal is ahead; the projection that is asked is not.
    room.project(&[JOURNAL], &token).await;
    let headers = [("consistency-token", token.as_str()), ("prefer", "wait=9")];
    let refused = room.ask("/lamps/desk", &[headers[0], ("prefer", "wait=0")]).await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (503, "not-yet-visible"));
    assert_eq!(refused.header("retry-after"), "1");

    let client = room.client();
    let (answer, ()) = tokio::join!(client.ask("/lamps/desk", &headers), room.project(&[LAMPS], &token));
    assert_eq!((answer.status.as_u16(), answer.header("consistency-token")), (200, token.as_str()));
    assert_eq!(answer.header("preference-applied"), "wait=9");
    assert_eq!(answer.header("vary"), "consistency-token, prefer");
    assert_eq!(answer.body, json!({ "lamp_id": "desk", "version": 2, "switched_on": 1 }));
}

#[tokio::test]
async fn a_lenient_query_is_answered_with_what_there_is() {
    let mut room = Room::empty().await;
    let token = room.append("desk", "LampInstalled", json!({ "room": "study" })).await;
    let headers = [("consistency-token", token.as_str()), ("prefer", "wait=0, handling=lenient")];
    let list = room.ask("/lamps", &headers).await;
    assert_eq!((list.status.as_u16(), list.has("consistency-token")), (200, false));
    assert_eq!(list.header("preference-applied"), "wait=0, handling=lenient");
}

#[tokio::test]
async fn an_invalid_token_is_refused() {
    let room = Room::empty().await;
    for path in ["/lamps", "/lamps/desk", &format!("/lamps/{DESK}/history")] {
        let answer = room.ask(path, &[("consistency-token", "rubbish")]).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (400, "invalid-consistency-token"), "{path}");
    }
}

#[tokio::test]
async fn a_parked_event_of_an_aggregate_is_not_visible_and_is_named() {
    let mut room = Room::empty().await;
    let installed = room.install("desk", "study").await;
    let parked = room.append("desk", "LampSwitchedOn", json!({})).await;
    room.project(&[LAMPS, JOURNAL], &parked).await;
    let position = parked.parse::<event_log::Position>().unwrap();
    sqlx::query(
        "INSERT INTO parked_event (projection, generation, topic, partition, log_offset, aggregate, headers, cause, reason,
                                   stands_at)
         VALUES ($1, 1, $2, $3, $4, 'desk', '[]', 'row', 'for a test', 1)",
    )
    .bind(LAMPS)
    .bind(TOPIC)
    .bind(position.partition)
    .bind(position.offset)
    .execute(&mut room.database)
    .await
    .unwrap();

    let seen = room.ask("/lamps/desk", &[("consistency-token", &installed)]).await;
    assert_eq!((seen.status.as_u16(), seen.header("behind-since")), (200, parked.as_str()));
    let refused = room.ask("/lamps/desk", &[("consistency-token", &parked)]).await;
    assert_eq!((refused.problem(), refused.header("behind-since")), ("not-yet-visible", parked.as_str()));
    let list = room.ask("/lamps", &[("consistency-token", &parked)]).await;
    assert_eq!((list.status.as_u16(), list.header("behind-since")), (200, parked.as_str()));
}
