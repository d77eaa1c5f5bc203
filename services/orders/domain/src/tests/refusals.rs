//! A refusal is read by people (its sentence) and by programs (its code and its facts).

use std::collections::BTreeSet;

use aggregate::Refusal as _;
use serde_json::{Value, json};

use crate::{Refusal, TextFault};

/// A refusal with the sentence and the facts that a caller sees.
type Seen = (Refusal, &'static str, Value);

fn every_refusal() -> Vec<Seen> {
    [by_the_past(), by_the_lines(), by_a_text()].concat()
}

fn by_the_past() -> Vec<Seen> {
    vec![
        (Refusal::OrderAlreadyPlaced {}, "the order has been placed already", json!({})),
        (Refusal::OrderNotFound {}, "there is no such order", json!({})),
        (Refusal::OrderAlreadyCancelled {}, "the order has been cancelled already", json!({})),
    ]
}

fn by_the_lines() -> Vec<Seen> {
    vec![
        (Refusal::OrderIsEmpty {}, "an order has at least one line", json!({})),
        (
            Refusal::TooManyLines { lines: 101, maximum: 100 },
            "an order has at most 100 lines, not 101",
            json!({"lines": 101, "maximum": 100}),
        ),
        (
            Refusal::QuantityOutOfRange { line: 2, quantity: 0, minimum: 1, maximum: 999 },
            "line 2: the quantity 0 is not between 1 and 999",
            json!({"line": 2, "quantity": 0, "minimum": 1, "maximum": 999}),
        ),
        (
            Refusal::UnitPriceNegative { line: 1, unit_price_minor: -5 },
            "line 1: the unit price -5 is negative",
            json!({"line": 1, "unit_price_minor": -5}),
        ),
        (
            Refusal::CurrencyMismatch { line: 3, currency: "EUR".to_owned() },
            "line 3: the price is not in EUR, the currency of the order",
            json!({"line": 3, "currency": "EUR"}),
        ),
        (
            Refusal::TotalTooLarge { maximum_minor: 9 },
            "the total of the order is above 9 minor units",
            json!({"maximum_minor": 9}),
        ),
    ]
}

fn by_a_text() -> Vec<Seen> {
    let blank = TextFault::Blank {};
    vec![
        (
            Refusal::CurrencyInvalid { fault: TextFault::NotCapitalLetters { length: 3 } },
            "the currency is not 3 capital letters",
            json!({"fault": "not-capital-letters", "length": 3}),
        ),
        (
            Refusal::CustomerIdInvalid { fault: TextFault::ForbiddenCharacter {} },
            "the customer id has a character that is not allowed",
            json!({"fault": "forbidden-character"}),
        ),
        (
            Refusal::SkuInvalid { line: 1, fault: TextFault::TooLong { maximum_length: 64 } },
            "line 1: the sku is longer than 64 characters",
            json!({"line": 1, "fault": "too-long", "maximum_length": 64}),
        ),
        (
            Refusal::AddressInvalid { field: "street", fault: blank },
            "the delivery address: street is blank",
            json!({"field": "street", "fault": "blank"}),
        ),
        (Refusal::ReasonInvalid { fault: blank }, "the reason is blank", json!({"fault": "blank"})),
    ]
}

#[test]
fn a_refusal_is_a_sentence_and_a_map_of_facts() {
    for (refusal, sentence, facts) in every_refusal() {
        assert_eq!(refusal.to_string(), sentence);
        assert_eq!(serde_json::to_value(&refusal).unwrap(), facts, "{sentence}");
    }
}

#[test]
fn every_refusal_has_a_code_of_its_own_in_kebab_case() {
    let refusals = every_refusal();
    let codes: BTreeSet<_> = refusals.iter().map(|(refusal, ..)| refusal.code()).collect();
    assert_eq!(codes.len(), refusals.len());
    assert!(codes.iter().all(|code| code.bytes().all(|byte| byte == b'-' || byte.is_ascii_lowercase())));
}
