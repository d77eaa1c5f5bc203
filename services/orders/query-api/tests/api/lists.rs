use reqwest::Response;
use serde_json::Value;

use crate::services::{Services, header, problem};

/// The ids on a page, and the path of the next page.
async fn page(answer: Response) -> (Vec<String>, Option<String>) {
    assert_eq!(answer.status(), 200);
    let link = answer.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
    let next = link.map(|link| {
        let (path, relation) = link.strip_prefix('<').unwrap().split_once('>').unwrap();
        assert_eq!(relation, "; rel=\"next\"");
        path.to_owned()
    });
    let page: Value = answer.json().await.unwrap();
    let orders = page["orders"].as_array().unwrap();
    (orders.iter().map(|order| order["order_id"].as_str().unwrap().to_owned()).collect(), next)
}

#[tokio::test]
async fn pages_cover_a_list_without_gaps_or_repetitions() {
    let services = Services::start().await;
    let (mut placed, mut tokens) = (Vec::new(), Vec::new());
    for _ in 0..7 {
        let order = services.place("c+7").await;
        services.place("c-8").await;
        placed.push(order.order_id);
        tokens.push(order.token);
    }
    let mut answer = services.get_with_token("/orders?customer_id=c%2B7&limit=3", &tokens.join(",")).await;
    let mut pages = Vec::new();
    loop {
        let (ids, next) = page(answer).await;
        pages.push(ids);
        let Some(next) = next else { break };
        // An order that is placed in the meantime is on none of the remaining pages.
        services.place("c+7").await;
        answer = services.get(&next).send().await.unwrap();
    }
    placed.reverse();
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 1]);
    assert_eq!(pages.concat(), placed);
}

#[tokio::test]
async fn a_list_contains_only_the_matching_orders() {
    let services = Services::start().await;
    let (one, other) = (services.place("c-1").await, services.place("c-1").await);
    let of_other_customer = services.place("c-2").await;
    let cancelled = services.cancel(&one.order_id).await;
    let token = [cancelled, other.token, of_other_customer.token].join(",");
    for (query, expected) in [
        ("status=cancelled", vec![&one.order_id]),
        ("status=placed", vec![&of_other_customer.order_id, &other.order_id]),
        ("customer_id=c-1", vec![&other.order_id, &one.order_id]),
        ("customer_id=c-1&status=placed", vec![&other.order_id]),
        ("customer_id=c-3", vec![]),
    ] {
        let (ids, next) = page(services.get_with_token(&format!("/orders?{query}"), &token).await).await;
        assert_eq!((ids.iter().collect::<Vec<_>>(), next), (expected, None), "{query}");
    }
}

#[tokio::test]
async fn a_cursor_is_valid_only_for_its_own_list() {
    let services = Services::start().await;
    services.place("c-1").await;
    let order = services.place("c-1").await;
    let (_, next) =
        page(services.get_with_token("/orders?customer_id=c-1&limit=1", &order.token).await).await;
    let other = next.unwrap().replace("c-1", "c-2");
    let answer = services.get(&other).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    assert_eq!(header(&answer, "content-type"), "application/problem+json");
    assert_eq!(problem(answer).await, "invalid-cursor");
}
