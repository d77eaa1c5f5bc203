//! Invalid requests: each is refused with the right status, and nothing is written.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Api, address_path, cancel_path, order, reason, send};

/// The order as text, with one value replaced.
fn text_with(pointer: &str, value: Value) -> String {
    let mut order = order();
    *order.pointer_mut(pointer).unwrap() = value;
    order.to_string()
}

fn with_member(name: &str, value: Value) -> String {
    let mut order = order();
    order[name] = value;
    order.to_string()
}

/// Bodies that cannot be read as an order: the code of the problem, the field that it names, and the body.
fn unreadable() -> Vec<(&'static str, &'static str, String)> {
    let order = order().to_string();
    vec![
        ("malformed-json", "", String::new()),
        ("malformed-json", "", "nonsense".to_owned()),
        ("malformed-json", "", order[..order.len() - 1].to_owned()),
        ("malformed-json", "", format!("{order}{order}")),
        ("invalid-body", ".", "[".repeat(30_000)),
        ("invalid-body", "lines[0].a", format!("{{\"lines\":{}", "[{\"a\":".repeat(5_000))),
        ("invalid-body", ".", "[]".to_owned()),
        ("invalid-body", "lines[0]", text_with("/lines/0", json!(["tea-500g", 2, 1290, null]))),
        (
            "invalid-body",
            "delivery_address",
            text_with("/delivery_address", json!(["a", "b", "c", "d", "DE"])),
        ),
        ("invalid-body", ".", "{}".to_owned()),
        ("invalid-body", "discount", with_member("discount", json!(10))),
        ("invalid-body", "lines[0].colour", text_with("/lines/0", json!({ "colour": "red" }))),
        (
            "invalid-body",
            "delivery_address.planet",
            text_with("/delivery_address", json!({ "planet": "Mars" })),
        ),
        ("invalid-body", "customer_id", text_with("/customer_id", json!(7))),
        ("invalid-body", "lines", text_with("/lines", json!({}))),
        ("invalid-body", "lines[0].quantity", text_with("/lines/0/quantity", json!("2"))),
        ("invalid-body", "lines[0].quantity", text_with("/lines/0/quantity", json!(2.5))),
        ("invalid-body", "lines[0].unit_price_minor", text_with("/lines/0/unit_price_minor", json!(1e300))),
        (
            "invalid-body",
            "lines[0].unit_price_minor",
            text_with("/lines/0/unit_price_minor", json!(u64::MAX)),
        ),
        ("invalid-body", "order_id", with_member("order_id", json!("not-a-uuid"))),
        ("invalid-body", ".", order.replacen('{', "{\"currency\":\"EUR\",", 1)),
    ]
}

#[tokio::test]
async fn an_unreadable_body_is_refused_and_the_field_is_named() {
    let api = Api::ready().await;
    for (code, field, body) in unreadable() {
        let start: String = body.chars().take(60).collect();
        let problem = send(api.post("/orders", &Value::Null).body(body)).await.problem(400, code);
        if code == "invalid-body" {
            assert_eq!(problem["field"], field, "{start}: {problem}");
        }
    }
    assert_eq!(api.events().len(), 0);
}

#[tokio::test]
async fn a_request_that_matches_no_route_is_refused_with_a_specific_problem() {
    let api = Api::ready().await;
    let url = |path: &str| format!("{}{path}", api.service.url);
    for path in ["/", "/orders/", "/order", "/orders/1/2/3", &format!("/orders/{}", Uuid::new_v4())] {
        send(api.post(path, &order())).await.problem(404, "not-found");
    }
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
        for path in ["/orders".to_owned(), cancel_path(Uuid::new_v4()), address_path(Uuid::new_v4())] {
            let answer = send(api.http.request(method.clone(), url(&path)).json(&order())).await;
            answer.problem(405, "method-not-allowed");
            assert_eq!(answer.header("allow"), "POST", "{method} {path}");
        }
    }
    for id in ["1", "not-a-uuid", "%00", "0197a3c2-0000-7000-8000-00000000000g"] {
        let path = format!("/orders/{id}/cancel");
        send(api.post(&path, &reason())).await.problem(400, "invalid-path-parameter");
    }
    for media_type in ["", "text/plain", "application/xml"] {
        let request =
            api.http.post(url("/orders")).body(order().to_string()).header("content-type", media_type);
        send(request).await.problem(415, "unsupported-media-type");
    }
    send(api.http.post(url("/orders")).body(order().to_string()))
        .await
        .problem(415, "unsupported-media-type");
    assert_eq!(api.events().len(), 0);
}

/// Sends these bytes, and reads until the service closes the connection. It must respond before the body is complete.
fn exchange(api: &Api, request: &str) -> String {
    let mut stream = TcpStream::connect(api.service.url.trim_start_matches("http://")).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn an_oversized_request_is_refused_before_it_is_read() {
    let api = Api::ready().await;
    let head = "POST /orders HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\n";
    for length in [65 * 1024, 64 * 1024 * 1024] {
        let answer = exchange(&api, &format!("{head}content-length: {length}\r\n\r\n"));
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(answer.contains("/problems/payload-too-large"), "{answer}");
    }
    let chunk = format!("10001\r\n{}", " ".repeat(0x10001));
    let answer = exchange(&api, &format!("{head}transfer-encoding: chunked\r\n\r\n{chunk}"));
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let answer = exchange(&api, &format!("{head}x-long: {}\r\n\r\n", "x".repeat(17_000)));
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let answer = exchange(&api, "NONSENSE\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert_eq!(api.events().len(), 0);
}

#[tokio::test]
async fn a_million_lines_are_refused_even_if_the_body_limit_allows_them() {
    let api = Api::with(&[("FOLDLINE_HTTP_MAX_BODY_BYTES", "67108864")]).await;
    let line = json!({ "sku": "a", "quantity": 1, "unit_price_minor": 1 }).to_string();
    let lines = vec![line.as_str(); 1_000_000].join(",");
    let body = order().to_string().replace("\"lines\":[", &format!("\"lines\":[{lines},"));
    let problem = send(api.post("/orders", &Value::Null).body(body)).await.problem(422, "invalid-values");
    assert_eq!(problem["errors"], json!([{ "pointer": "/lines", "detail": "length is greater than 100" }]));
    assert_eq!(api.events().len(), 0);
    api.place().await;
}
