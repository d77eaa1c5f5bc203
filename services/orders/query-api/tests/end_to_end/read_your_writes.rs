use crate::orders::Orders;

#[tokio::test]
async fn a_query_with_the_token_returns_the_write() {
    let orders = Orders::start().await;
    for _ in 0..100 {
        let placed = orders.place().await;
        let query = orders.client.get(format!("{}{}", orders.queries.url, placed.path));
        let answer = query.header("consistency-token", &placed.token).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["etag"], "\"1\"");
        assert_eq!(answer.headers()["consistency-token"], placed.token.as_str());
    }
}

#[tokio::test]
async fn a_query_whose_write_is_not_applied_yet_is_refused_or_answered_leniently() {
    let orders = Orders::start().await;
    orders.projector.signal("STOP");
    let placed = orders.place().await;
    let query = orders.client.get(format!("{}{}", orders.queries.url, placed.path));
    let query = query.header("consistency-token", &placed.token);
    let strict = query.try_clone().unwrap().header("prefer", "wait=0").send().await.unwrap();
    assert_eq!(strict.status(), 503);
    assert!(strict.headers().contains_key("retry-after"));
    assert!(strict.text().await.unwrap().contains("/problems/not-yet-visible"));
    let lenient =
        query.try_clone().unwrap().header("prefer", "wait=0, handling=lenient").send().await.unwrap();
    assert_eq!(lenient.status(), 404);
    orders.projector.signal("CONT");
    let visible = query.header("prefer", "wait=10").send().await.unwrap();
    assert_eq!(visible.status(), 200);
}
