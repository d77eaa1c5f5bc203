use crate::room::{Answer, Room};

/// The ids on a page, and the path of the next one.
fn page(answer: &Answer) -> (Vec<String>, Option<String>) {
    assert_eq!(answer.status, 200, "{answer:?}");
    let lamps = answer.body.as_array().unwrap().iter();
    let ids = lamps.map(|lamp| lamp["lamp_id"].as_str().unwrap().to_owned()).collect();
    let next = answer.has("link").then(|| answer.header("link"));
    (ids, next.map(|link| link[1..link.find('>').unwrap()].to_owned()))
}

#[tokio::test]
async fn pages_cover_a_list_without_a_gap_or_a_repetition() {
    let mut room = Room::empty().await;
    for number in 1..=7 {
        room.install(&format!("lamp-{number}"), "study").await;
        room.install(&format!("other-{number}"), "hall").await;
    }
    let (mut pages, mut next) = (Vec::new(), Some("/lamps?room=study&limit=3".to_owned()));
    while let Some(path) = next {
        let (ids, link) = page(&room.get(&path).await);
        pages.push(ids);
        next = link;
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 1]);
    assert_eq!(pages.concat(), (1..=7).map(|number| format!("lamp-{number}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_cursor_is_refused_in_another_list() {
    let mut room = Room::empty().await;
    for number in 1..=2 {
        room.install(&format!("lamp-{number}"), "study").await;
    }
    let (_, next) = page(&room.get("/lamps?room=study&limit=1").await);
    let answer = room.get(&next.unwrap().replace("study", "hall")).await;
    assert_eq!((answer.status.as_u16(), answer.problem()), (400, "invalid-cursor"));
}
