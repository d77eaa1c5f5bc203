use crate::test_api::{ApiResponse, TestApi};

/// The ids on a page, and the path of the next page.
fn page(response: &ApiResponse) -> (Vec<String>, Option<String>) {
    assert_eq!(response.status, 200, "{response:?}");
    let lamps = response.body.as_array().unwrap().iter();
    let ids = lamps.map(|lamp| lamp["lamp_id"].as_str().unwrap().to_owned()).collect();
    let next = response.has("link").then(|| response.header("link"));
    (ids, next.map(|link| link[1..link.find('>').unwrap()].to_owned()))
}

#[tokio::test]
async fn pages_contain_every_entry_of_a_list_once() {
    let mut api = TestApi::start().await;
    for number in 1..=7 {
        api.install(&format!("lamp-{number}"), "study").await;
        api.install(&format!("other-{number}"), "hall").await;
    }
    let (mut pages, mut next) = (Vec::new(), Some("/lamps?room=study&limit=3".to_owned()));
    while let Some(path) = next {
        let (ids, link) = page(&api.get(&path).await);
        pages.push(ids);
        next = link;
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 1]);
    assert_eq!(pages.concat(), (1..=7).map(|number| format!("lamp-{number}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_cursor_of_another_list_is_refused() {
    let mut api = TestApi::start().await;
    for number in 1..=2 {
        api.install(&format!("lamp-{number}"), "study").await;
    }
    let (_, next) = page(&api.get("/lamps?room=study&limit=1").await);
    let response = api.get(&next.unwrap().replace("study", "hall")).await;
    assert_eq!((response.status.as_u16(), response.problem()), (400, "invalid-cursor"));
}

#[tokio::test]
async fn a_result_without_a_version_has_a_token_but_no_entity_tag() {
    let mut api = TestApi::start().await;
    api.install("lamp-1", "study").await;
    api.install("lamp-2", "study").await;
    let response = api.get("/rooms/study/summary").await;
    assert_eq!((response.status.as_u16(), &response.body["lamps"]), (200, &2.into()), "{response:?}");
    assert!(response.has("consistency-token") && !response.has("etag"), "{response:?}");
}
