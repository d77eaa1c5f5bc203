use serde_json::Value;

use crate::services::{Services, problem};

const ORDER: &str = "/orders/01a1fc65-7735-701a-b609-546528c4018e";

#[tokio::test]
async fn an_invalid_request_is_answered_with_a_problem() {
    let services = Services::start().await;
    for (path, code) in [
        ("/orders/7", "invalid-path-parameter"),
        ("/customers/%00/totals", "invalid-path-parameter"),
        ("/orders?limit=0", "invalid-query-parameter"),
        ("/orders?limit=201", "invalid-query-parameter"),
        ("/orders?limit=-1", "invalid-query-parameter"),
        ("/orders?limit=many", "invalid-query-parameter"),
        ("/orders?limit=1&limit=2", "invalid-query-parameter"),
        ("/orders?status=lost", "invalid-query-parameter"),
        ("/orders?customer_id=", "invalid-query-parameter"),
        ("/orders?customer_id=%00", "invalid-query-parameter"),
        ("/orders?page=2", "invalid-query-parameter"),
        ("/orders/01a1fc65-7735-701a-b609-546528c4018e?version=0", "invalid-query-parameter"),
        ("/orders/01a1fc65-7735-701a-b609-546528c4018e?version=one", "invalid-query-parameter"),
        ("/orders/01a1fc65-7735-701a-b609-546528c4018e?as_of=yesterday", "invalid-query-parameter"),
        (
            "/orders/01a1fc65-7735-701a-b609-546528c4018e?version=1&as_of=2026-11-20T10:00:00Z",
            "invalid-query-parameter",
        ),
        ("/orders/01a1fc65-7735-701a-b609-546528c4018e?at=1", "invalid-query-parameter"),
        ("/orders/01a1fc65-7735-701a-b609-546528c4018e/history?limit=0", "invalid-query-parameter"),
        ("/orders/01a1fc65-7735-701a-b609-546528c4018e/history?cursor=rubbish", "invalid-cursor"),
        ("/orders?cursor=", "invalid-cursor"),
        ("/orders?cursor=rubbish", "invalid-cursor"),
    ] {
        let answer = services.get(path).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{path}");
        assert_eq!(problem(answer).await, code, "{path}");
    }
}

#[tokio::test]
async fn an_invalid_token_is_answered_with_a_problem() {
    let services = Services::start().await;
    for token in ["", "rubbish", "orders.events", "payments.events/0@1,rubbish", "orders.events/0@1,"] {
        for path in [ORDER, "/orders", "/customers/c-1/totals"] {
            let answer = services.get_with_token(path, token).await;
            assert_eq!(answer.status(), 400, "{token}");
            assert_eq!(problem(answer).await, "invalid-consistency-token", "{token}");
        }
    }
    let answer = services.get(ORDER).header("if-none-match", "1").send().await.unwrap();
    assert_eq!(problem(answer).await, "invalid-header");
}

#[tokio::test]
async fn the_openapi_description_covers_every_query() {
    let services = Services::start().await;
    let description: Value = services.get("/openapi.json").send().await.unwrap().json().await.unwrap();
    assert!(description["paths"]["/orders/changes"]["get"].is_object());
    for path in
        ["/orders", "/orders/{order_id}", "/orders/{order_id}/history", "/customers/{customer_id}/totals"]
    {
        let parameters = description["paths"][path]["get"]["parameters"].as_array().unwrap();
        let headers: Vec<_> = parameters.iter().filter(|parameter| parameter["in"] == "header").collect();
        for name in ["Consistency-Token", "Prefer"] {
            assert!(headers.iter().any(|header| header["name"] == name), "{path}: {name}");
        }
    }
    assert_eq!(services.get("/docs").send().await.unwrap().status(), 200);
}
