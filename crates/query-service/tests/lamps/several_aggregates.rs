use crate::{queries::DESK, room::Room, stream::Stream};

const SWITCH: &str = "01a1fc65-7735-701a-b609-546528c4018f";

#[tokio::test]
async fn a_history_is_of_the_kind_that_its_route_names() {
    let mut room = Room::empty().await;
    room.install(DESK, "study").await;
    room.mount(SWITCH).await;
    let history = room.get(&format!("/switches/{SWITCH}/history")).await;
    assert_eq!(history.body["events"][0]["type"], "SwitchMounted");
    for (path, problem) in [
        (format!("/lamps/{SWITCH}/history"), "lamp-not-found"),
        (format!("/lamps/{SWITCH}?version=1"), "lamp-not-found"),
        (format!("/switches/{DESK}/history"), "switch-not-found"),
    ] {
        let answer = room.get(&path).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (404, problem), "{path}");
    }
    for kind in ["lamp", "switch"] {
        assert_eq!(room.get(&format!("/problems/{kind}-history-incomplete")).await.status, 200);
    }
}

#[tokio::test]
async fn a_stream_has_the_changes_of_one_kind() {
    let mut room = Room::empty().await;
    room.install(DESK, "study").await;
    room.mount(SWITCH).await;
    let mut lamps = Stream::of(room.open("/lamps/changes?from=beginning", &[]).await);
    let mut switches = Stream::of(room.open("/switches/changes?from=beginning", &[]).await);
    assert_eq!(lamps.event().await.1["lamp_id"], DESK);
    assert_eq!(switches.event().await.1["switch_id"], SWITCH);
    for stream in [&mut lamps, &mut switches] {
        stream.until_heartbeat().await;
    }

    room.mount("01a1fc65-7735-701a-b609-546528c40190").await;
    room.switch_on(DESK).await;
    let (event, data) = lamps.event().await;
    assert_eq!((event.as_str(), &data["lamp_id"]), ("LampSwitchedOn", &DESK.into()));
    assert_eq!(switches.event().await.0, "SwitchMounted");
}

#[tokio::test]
async fn a_row_of_an_unknown_kind_is_shown_by_each_route() {
    let mut room = Room::empty().await;
    room.install(DESK, "study").await;
    sqlx::raw_sql("UPDATE journal SET aggregate_kind = NULL").execute(&mut room.database).await.unwrap();
    assert_eq!(room.get(&format!("/lamps/{DESK}/history")).await.status, 200);
    assert_eq!(room.get(&format!("/lamps/{DESK}?version=1")).await.status, 200);
    let mut lamps = Stream::of(room.open("/lamps/changes?from=beginning", &[]).await);
    assert_eq!(lamps.event().await.1["lamp_id"], DESK);
}
