//! Every refusal of an order, as callers see it.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use test_kit::repository;
use uuid::Uuid;

use crate::support::{Api, address, address_path, cancel_path, order, reason, send};

const MAX_AMOUNT_MINOR: i64 = 9_007_199_254_740_991;

/// The order with the value at a JSON pointer replaced.
fn order_with(pointer: &str, value: &Value) -> Value {
    let mut order = order();
    *order.pointer_mut(pointer).unwrap() = value.clone();
    order
}

fn line(quantity: i64, unit_price_minor: i64) -> Value {
    json!({ "sku": "a", "quantity": quantity, "unit_price_minor": unit_price_minor })
}

/// Invalid values: the pointer to replace, the value, and the pointers that are reported.
fn invalid_values() -> Vec<(&'static str, Value, Vec<&'static str>)> {
    let other_currency = json!({ "sku": "a", "quantity": 1, "unit_price_minor": 1, "currency": "USD" });
    let (quantity, price) = ("/lines/0/quantity", "/lines/0/unit_price_minor");
    vec![
        ("/lines", json!([]), vec!["/lines"]),
        ("/lines", json!(vec![line(1, 1); 101]), vec!["/lines"]),
        (quantity, json!(0), vec![quantity]),
        (quantity, json!(1000), vec![quantity]),
        (quantity, json!(i64::MIN), vec![quantity]),
        (price, json!(-1), vec![price]),
        (price, json!(i64::MAX), vec!["/lines", price]),
        ("/lines", json!([line(999, MAX_AMOUNT_MINOR / 999), line(1, MAX_AMOUNT_MINOR)]), vec!["/lines"]),
        ("/lines", json!(vec![line(999, MAX_AMOUNT_MINOR); 100]), vec!["/lines"]),
        ("/lines", json!([line(1, 1), other_currency]), vec!["/lines/1/currency"]),
        ("/currency", json!("euro"), vec!["/currency"]),
        ("/customer_id", json!(""), vec!["/customer_id"]),
        ("/customer_id", json!("c".repeat(65)), vec!["/customer_id"]),
        ("/lines/0/sku", json!("tea pot"), vec!["/lines/0/sku"]),
        ("/delivery_address/city", json!("a\u{0}b"), vec!["/delivery_address/city"]),
        ("/delivery_address/country", json!("de"), vec!["/delivery_address/country"]),
        (
            "",
            json!({ "customer_id": "ü", "currency": "", "lines": [line(0, -1)], "delivery_address": address("") }),
            vec!["/currency", "/customer_id", "/delivery_address/street", quantity, price],
        ),
    ]
}

fn pointers(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().unwrap();
    assert!(errors.iter().all(|error| error["detail"].is_string()), "{problem}");
    let mut pointers: Vec<_> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    pointers.sort_unstable();
    pointers
}

#[tokio::test]
async fn every_invalid_value_is_reported_with_its_pointer_and_nothing_is_written() {
    let api = Api::ready().await;
    for (pointer, value, expected) in invalid_values() {
        let answer = send(api.post("/orders", &order_with(pointer, &value))).await;
        let problem = answer.problem(422, "invalid-values");
        assert_eq!(pointers(&problem), expected, "{pointer} {problem}");
    }
    let cancel = send(api.post(&cancel_path(Uuid::new_v4()), &json!({ "reason": " " }))).await;
    assert_eq!(pointers(&cancel.problem(422, "invalid-values")), ["/reason"]);
    let empty_address = json!({ "name": "", "street": "", "postal_code": "", "city": "", "country": "" });
    let changed = send(api.post(&address_path(Uuid::new_v4()), &empty_address)).await;
    let parts = ["/city", "/country", "/name", "/postal_code", "/street"];
    assert_eq!(pointers(&changed.problem(422, "invalid-values")), parts);
    assert_eq!(api.events().len(), 0);
}

#[tokio::test]
async fn a_command_that_the_history_of_the_order_does_not_allow_is_refused() {
    let api = Api::ready().await;
    let unknown = Uuid::new_v4();
    send(api.post(&cancel_path(unknown), &reason())).await.problem(404, "order-not-found");
    send(api.post(&address_path(unknown), &address("Street 2"))).await.problem(404, "order-not-found");
    let id = api.place().await;
    send(api.post(&cancel_path(id), &reason())).await.expect_status(200);
    send(api.post(&cancel_path(id), &reason())).await.problem(422, "order-already-cancelled");
    send(api.post(&address_path(id), &address("Street 2"))).await.problem(422, "order-already-cancelled");
    let mut repeated = order();
    repeated["order_id"] = json!(id);
    send(api.post("/orders", &repeated)).await.problem(409, "order-already-placed");
    assert_eq!(api.events().len(), 2);
}

#[tokio::test]
async fn the_type_of_every_refusal_resolves_to_its_page() {
    let api = Api::ready().await;
    let refusals = codes("services/orders/domain/src/refusal.rs", |line| {
        line.trim().split_once(" => \"")?.1.strip_suffix("\",")
    });
    assert!(refusals.len() >= 3, "{refusals:?}");
    for code in &refusals {
        let page = api.get(&format!("/problems/{code}")).await.expect_status(200);
        assert!(page.header("content-type").starts_with("text/markdown"), "{code}");
        assert!(page.text.starts_with(&format!("# {code}\n")), "{code}: {}", page.text);
    }
    let documented = codes("services/orders/domain/refusals.md", |line| line.strip_prefix("### "));
    assert!(documented.is_superset(&refusals));
}

/// The codes that `code_in` finds in the lines of a file.
fn codes(file: &str, code_in: fn(&str) -> Option<&str>) -> BTreeSet<String> {
    let text = std::fs::read_to_string(repository().join(file)).unwrap();
    text.lines().filter_map(code_in).map(str::to_owned).collect()
}
