//! The order that is placed repeatedly.

use serde_json::{Value, json};

pub(crate) fn order() -> Value {
    json!({
        "customer_id": "c-1001", "currency": "EUR",
        "lines": [{"sku": "tea-500g", "quantity": 2, "unit_price_minor": 1290}],
        "delivery_address": address("12 Example Street"),
    })
}

pub(crate) fn address(street: &str) -> Value {
    json!({
        "name": "Ada Lovelace", "street": street, "postal_code": "10115", "city": "Berlin", "country": "DE",
    })
}
