//! Every rule of an order, as its callers hear of it.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use test_kit::repository;
use uuid::Uuid;

use crate::support::{Api, address, address_path, cancel_path, order, reason, send};

const TOO_DEAR: i64 = 9_007_199_254_740_991;

/// The order with one thing about it changed: the place in the document, and what stands there.
fn order_with(place: &str, value: &Value) -> Value {
    let mut order = order();
    *order.pointer_mut(place).unwrap() = value.clone();
    order
}

fn line(quantity: i64, unit_price_minor: i64) -> Value {
    json!({ "sku": "a", "quantity": quantity, "unit_price_minor": unit_price_minor })
}

/// Values that break a rule on their own: code, place in the order, value, and the facts that are told.
fn broken_rules() -> Vec<(&'static str, &'static str, Value, Value)> {
    let other_currency = json!({ "sku": "a", "quantity": 1, "unit_price_minor": 1, "currency": "USD" });
    let maximum = json!({ "maximum_minor": TOO_DEAR });
    vec![
        ("order-is-empty", "/lines", json!([]), json!({})),
        ("too-many-lines", "/lines", json!(vec![line(1, 1); 101]), json!({ "lines": 101, "maximum": 100 })),
        (
            "quantity-out-of-range",
            "/lines/0/quantity",
            json!(0),
            json!({ "line": 1, "quantity": 0, "minimum": 1 }),
        ),
        (
            "quantity-out-of-range",
            "/lines/0/quantity",
            json!(1000),
            json!({ "quantity": 1000, "maximum": 999 }),
        ),
        ("quantity-out-of-range", "/lines/0/quantity", json!(i64::MIN), json!({ "quantity": i64::MIN })),
        ("unit-price-negative", "/lines/0/unit_price_minor", json!(-1), json!({ "unit_price_minor": -1 })),
        ("total-too-large", "/lines/0/unit_price_minor", json!(i64::MAX), maximum.clone()),
        ("total-too-large", "/lines", json!([line(999, TOO_DEAR / 999), line(1, TOO_DEAR)]), maximum.clone()),
        ("total-too-large", "/lines", json!(vec![line(999, TOO_DEAR); 100]), maximum),
        (
            "currency-mismatch",
            "/lines",
            json!([line(1, 1), other_currency]),
            json!({ "line": 2, "currency": "EUR" }),
        ),
        (
            "currency-invalid",
            "/currency",
            json!("euro"),
            json!({ "fault": "not-capital-letters", "length": 3 }),
        ),
        ("customer-id-invalid", "/customer_id", json!(""), json!({ "fault": "blank" })),
        ("customer-id-invalid", "/customer_id", json!("c".repeat(65)), json!({ "maximum_length": 64 })),
        ("sku-invalid", "/lines/0/sku", json!("tea pot"), json!({ "fault": "forbidden-character" })),
        ("address-invalid", "/delivery_address/city", json!("a\u{0}b"), json!({ "field": "city" })),
        ("address-invalid", "/delivery_address/country", json!("de"), json!({ "field": "country" })),
    ]
}

#[tokio::test]
async fn a_broken_rule_is_named_with_its_facts_and_nothing_is_written() {
    let api = Api::ready().await;
    for (code, place, value, facts) in broken_rules() {
        let problem = send(api.post("/orders", &order_with(place, &value))).await.problem(422, code);
        for (name, fact) in facts.as_object().unwrap() {
            assert_eq!(&problem[name], fact, "{code}: {problem}");
        }
        assert!(problem["detail"].is_string(), "{problem}");
    }
    let blank = json!({ "reason": " " });
    send(api.post(&cancel_path(Uuid::new_v4()), &blank)).await.problem(422, "reason-invalid");
    let nowhere = json!({ "name": "", "street": "", "postal_code": "", "city": "", "country": "" });
    send(api.post(&address_path(Uuid::new_v4()), &nowhere)).await.problem(422, "address-invalid");
    assert_eq!(api.seen().len(), 0);
}

#[tokio::test]
async fn the_past_of_an_order_may_refuse_a_command() {
    let api = Api::ready().await;
    let nobody = Uuid::new_v4();
    send(api.post(&cancel_path(nobody), &reason())).await.problem(404, "order-not-found");
    send(api.post(&address_path(nobody), &address("Street 2"))).await.problem(404, "order-not-found");
    let id = api.place().await;
    send(api.post(&cancel_path(id), &reason())).await.accepted(200);
    send(api.post(&cancel_path(id), &reason())).await.problem(422, "order-already-cancelled");
    send(api.post(&address_path(id), &address("Street 2"))).await.problem(422, "order-already-cancelled");
    let mut again = order();
    again["order_id"] = json!(id);
    send(api.post("/orders", &again)).await.problem(409, "order-already-placed");
    assert_eq!(api.seen().len(), 2);
}

#[tokio::test]
async fn every_refusal_has_a_paragraph_where_its_type_leads() {
    let api = Api::ready().await;
    let refusals = codes("services/orders/domain/src/refusal.rs", |line| {
        line.trim().split_once(" => \"")?.1.strip_suffix("\",")
    });
    assert!(refusals.len() >= 14, "{refusals:?}");
    for code in &refusals {
        let page = api.get(&format!("/problems/{code}")).await.accepted(200);
        assert!(page.header("content-type").starts_with("text/markdown"), "{code}");
        assert!(page.text.starts_with(&format!("# {code}\n")), "{code}: {}", page.text);
    }
    let documented = codes("services/orders/domain/refusals.md", |line| line.strip_prefix("### "));
    assert!(documented.is_superset(&refusals));
}

/// What `pick` finds in the lines of a file of the repository.
fn codes(file: &str, pick: fn(&str) -> Option<&str>) -> BTreeSet<String> {
    let text = std::fs::read_to_string(repository().join(file)).unwrap();
    text.lines().filter_map(pick).map(str::to_owned).collect()
}
