use crate::{queries::DESK, stream::Stream, test_api::TestApi};

const SWITCH: &str = "01a1fc65-7735-701a-b609-546528c4018f";

#[tokio::test]
async fn a_history_route_finds_only_aggregates_of_its_kind() {
    let mut api = TestApi::start().await;
    api.install(DESK, "study").await;
    api.mount(SWITCH).await;
    let history = api.get(&format!("/switches/{SWITCH}/history")).await;
    assert_eq!(history.body["events"][0]["type"], "SwitchMounted");
    for (path, problem) in [
        (format!("/lamps/{SWITCH}/history"), "lamp-not-found"),
        (format!("/lamps/{SWITCH}?version=1"), "lamp-not-found"),
        (format!("/switches/{DESK}/history"), "switch-not-found"),
    ] {
        let response = api.get(&path).await;
        assert_eq!((response.status.as_u16(), response.problem()), (404, problem), "{path}");
    }
    for kind in ["lamp", "switch"] {
        assert_eq!(api.get(&format!("/problems/{kind}-history-incomplete")).await.status, 200);
    }
}

#[tokio::test]
async fn a_stream_contains_only_changes_of_its_kind() {
    let mut api = TestApi::start().await;
    api.install(DESK, "study").await;
    api.mount(SWITCH).await;
    let mut lamps = Stream::new(api.send("/lamps/changes?from=beginning", &[]).await);
    let mut switches = Stream::new(api.send("/switches/changes?from=beginning", &[]).await);
    assert_eq!(lamps.next_event().await.1["lamp_id"], DESK);
    assert_eq!(switches.next_event().await.1["switch_id"], SWITCH);
    for stream in [&mut lamps, &mut switches] {
        stream.wait_for_heartbeat().await;
    }

    api.mount("01a1fc65-7735-701a-b609-546528c40190").await;
    api.switch_on(DESK).await;
    let (event, data) = lamps.next_event().await;
    assert_eq!((event.as_str(), &data["lamp_id"]), ("LampSwitchedOn", &DESK.into()));
    assert_eq!(switches.next_event().await.0, "SwitchMounted");
}

#[tokio::test]
async fn events_without_a_kind_are_shown_by_every_route() {
    let mut api = TestApi::start().await;
    api.install(DESK, "study").await;
    sqlx::raw_sql("UPDATE journal SET aggregate_kind = NULL").execute(&mut api.database).await.unwrap();
    assert_eq!(api.get(&format!("/lamps/{DESK}/history")).await.status, 200);
    assert_eq!(api.get(&format!("/lamps/{DESK}?version=1")).await.status, 200);
    let mut lamps = Stream::new(api.send("/lamps/changes?from=beginning", &[]).await);
    assert_eq!(lamps.next_event().await.1["lamp_id"], DESK);
}
