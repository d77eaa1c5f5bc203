use query_service::JOURNAL;
use serde_json::json;

use crate::{
    queries::{DESK, LAMPS},
    test_api::{TOPIC, TestApi},
};

#[tokio::test]
async fn a_query_waits_until_its_projection_has_reached_the_token() {
    let mut api = TestApi::start().await;
    api.install("desk", "study").await;
    let token = api.append("desk", "LampSwitchedOn", json!({})).await;
    // The journal has reached the token; the projection that the query reads has not.
    api.project(&[JOURNAL], &token).await;
    let headers = [("consistency-token", token.as_str()), ("prefer", "wait=9")];
    let refused = api.get_with("/lamps/desk", &[headers[0], ("prefer", "wait=0")]).await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (503, "not-yet-visible"));
    assert_eq!(refused.header("retry-after"), "1");

    let client = api.client();
    let (response, ()) =
        tokio::join!(client.get_with("/lamps/desk", &headers), api.project(&[LAMPS], &token));
    assert_eq!((response.status.as_u16(), response.header("consistency-token")), (200, token.as_str()));
    assert_eq!(response.header("preference-applied"), "wait=9");
    assert_eq!(response.header("vary"), "consistency-token, prefer");
    assert_eq!(response.body, json!({ "lamp_id": "desk", "version": 2, "switched_on": 1 }));
}

#[tokio::test]
async fn a_lenient_query_is_answered_before_its_token_is_reached() {
    let mut api = TestApi::start().await;
    let token = api.append("desk", "LampInstalled", json!({ "room": "study" })).await;
    let headers = [("consistency-token", token.as_str()), ("prefer", "wait=0, handling=lenient")];
    let list = api.get_with("/lamps", &headers).await;
    assert_eq!((list.status.as_u16(), list.has("consistency-token")), (200, false));
    assert_eq!(list.header("preference-applied"), "wait=0, handling=lenient");
}

#[tokio::test]
async fn an_invalid_token_is_refused() {
    let api = TestApi::start().await;
    for path in ["/lamps", "/lamps/desk", &format!("/lamps/{DESK}/history")] {
        let response = api.get_with(path, &[("consistency-token", "rubbish")]).await;
        assert_eq!(
            (response.status.as_u16(), response.problem()),
            (400, "invalid-consistency-token"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_parked_event_is_not_visible_and_its_position_is_reported() {
    let mut api = TestApi::start().await;
    let installed = api.install("desk", "study").await;
    let parked = api.append("desk", "LampSwitchedOn", json!({})).await;
    api.project(&[LAMPS, JOURNAL], &parked).await;
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
    .execute(&mut api.database)
    .await
    .unwrap();

    let seen = api.get_with("/lamps/desk", &[("consistency-token", &installed)]).await;
    assert_eq!((seen.status.as_u16(), seen.header("behind-since")), (200, parked.as_str()));
    let refused = api.get_with("/lamps/desk", &[("consistency-token", &parked)]).await;
    assert_eq!((refused.problem(), refused.header("behind-since")), ("not-yet-visible", parked.as_str()));
    let list = api.get_with("/lamps", &[("consistency-token", &parked)]).await;
    assert_eq!((list.status.as_u16(), list.header("behind-since")), (200, parked.as_str()));
}
