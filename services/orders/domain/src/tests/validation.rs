//! Which values a command may have: each limit is tried on both of its sides.

use garde::Validate;

use super::samples::{address_in, line, order, order_of};
use crate::{CancelOrder, ChangeDeliveryAddress, Command, DeliveryAddress, PlaceOrder, commands::OrderLine};

/// What is wrong with a command: the path of each field, and the complaint.
fn errors(command: &impl Validate<Context = ()>) -> Vec<(String, String)> {
    let report = command.validate().err();
    let errors = report.into_iter().flat_map(garde::Report::into_inner);
    errors.map(|(path, error)| (path.to_string(), error.to_string())).collect()
}

#[track_caller]
fn accepted(command: &impl Validate<Context = ()>) {
    assert_eq!(errors(command), []);
}

#[track_caller]
fn refused(command: &impl Validate<Context = ()>, path: &str, complaint: &str) {
    assert_eq!(errors(command), [(path.to_owned(), complaint.to_owned())]);
}

#[track_caller]
fn address_refused(address: DeliveryAddress, field: &str, complaint: &str) {
    refused(&address, field, complaint);
    let path = format!("delivery_address.{field}");
    refused(&PlaceOrder { delivery_address: address.clone(), ..order() }, &path, complaint);
    refused(&ChangeDeliveryAddress { delivery_address: address }, &path, complaint);
}

#[test]
fn an_order_has_1_to_100_lines() {
    let lines = |count| order_of(vec![line("cup", 1, 1); count]);
    accepted(&lines(1));
    accepted(&lines(100));
    refused(&lines(0), "lines", "length is lower than 1");
    for count in [101, 1_000_000] {
        refused(&lines(count), "lines", "length is greater than 100");
    }
}

#[test]
fn a_quantity_is_between_1_and_999() {
    let quantity = |quantity| order_of(vec![line("cup", 1, 1), line("tea", quantity, 1)]);
    accepted(&quantity(1));
    accepted(&quantity(999));
    for low in [0, -1, i64::MIN] {
        refused(&quantity(low), "lines[1].quantity", "lower than 1");
    }
    for high in [1000, 65_537, 1_000_000_000] {
        refused(&quantity(high), "lines[1].quantity", "greater than 999");
    }
}

#[test]
fn a_price_may_be_zero_but_not_negative() {
    accepted(&order_of(vec![line("gift", 1, 0)]));
    for price in [-1, i64::MIN] {
        refused(&order_of(vec![line("cup", 1, price)]), "lines[0].unit_price_minor", "lower than 0");
    }
}

#[test]
fn a_total_is_at_most_the_largest_amount() {
    let maximum = 9_007_199_254_740_991;
    let complaint = "the total is greater than 9007199254740991";
    accepted(&order_of(vec![line("gold", 1, maximum)]));
    accepted(&order_of(vec![line("gold", 1, maximum - 1), line("cup", 1, 1)]));
    refused(&order_of(vec![line("gold", 1, maximum), line("cup", 1, 1)]), "lines", complaint);
    refused(&order_of(vec![line("gold", 2, maximum)]), "lines", complaint);
    refused(&order_of(vec![line("gold", 999, maximum); 100]), "lines", complaint);
}

#[test]
fn a_price_above_the_largest_amount_is_refused_however_large() {
    for price in [9_007_199_254_740_992, i64::MAX] {
        let errors = errors(&order_of(vec![line("gold", 999, price); 100]));
        assert_eq!(errors.len(), 101, "each price, and the total");
        let expected = ("lines[0].unit_price_minor".to_owned(), "greater than 9007199254740991".to_owned());
        assert!(errors.contains(&expected), "{errors:?}");
    }
    let absurd = order_of(vec![line("gold", i64::MAX, i64::MAX); 100]);
    assert_eq!(errors(&absurd).len(), 201, "each quantity, each price, and the total");
}

#[test]
fn a_line_may_name_the_currency_of_the_order_and_no_other() {
    let in_currency = |currency: &str| {
        let own = OrderLine { currency: Some(currency.to_owned()), ..line("cup", 1, 1) };
        order_of(vec![line("tea", 1, 1), own])
    };
    accepted(&in_currency("EUR"));
    for currency in ["USD", "eur", "EUR ", ""] {
        refused(&in_currency(currency), "lines[1].currency", "not the currency of the order");
    }
}

#[test]
fn a_currency_is_three_capital_letters() {
    for currency in ["", "EU", "EURO", "eur", "E R", "12A", "€"] {
        let order = PlaceOrder { currency: currency.to_owned(), ..order() };
        refused(&order, "currency", "not 3 capital letters");
    }
}

#[test]
fn ids_of_customers_and_products_have_1_to_64_visible_ascii_characters() {
    let strange = "contains a character that is not visible ASCII";
    let long = "x".repeat(65);
    for (id, complaint) in [
        ("", "length is lower than 1"),
        (long.as_str(), "length is greater than 64"),
        (" \t", strange),
        ("a b", strange),
        ("tee-grün", strange),
        ("a\0", strange),
    ] {
        refused(&PlaceOrder { customer_id: id.to_owned(), ..order() }, "customer_id", complaint);
        refused(&order_of(vec![line(id, 1, 1)]), "lines[0].sku", complaint);
    }
    let longest = "x".repeat(64);
    let lines = vec![line(&longest, 1, 1)];
    accepted(&PlaceOrder { customer_id: longest, lines, ..order() });
}

#[test]
fn a_reason_has_1_to_500_characters_in_one_line() {
    let cancel = |reason: &str| CancelOrder { reason: reason.to_owned() };
    for blank in ["", "\u{2003} "] {
        refused(&cancel(blank), "reason", "blank");
    }
    for control in ["two\nlines", "nul\0"] {
        refused(&cancel(control), "reason", "contains a control character");
    }
    refused(&cancel(&"ü".repeat(501)), "reason", "length is greater than 500");
    accepted(&cancel(&"ü".repeat(500)));
}

#[test]
fn every_part_of_an_address_is_short_and_printable() {
    let part = |field, text: &str| {
        let (mut address, text) = (address_in("Weimar"), text.to_owned());
        match field {
            "name" => address.name = text,
            "street" => address.street = text,
            "postal_code" => address.postal_code = text,
            _ => address.city = text,
        }
        address
    };
    for (field, max_length) in [("name", 100), ("street", 100), ("postal_code", 16), ("city", 100)] {
        accepted(&part(field, &"ü".repeat(max_length)));
        let too_long = format!("length is greater than {max_length}");
        address_refused(part(field, &"ü".repeat(max_length + 1)), field, &too_long);
        address_refused(part(field, " "), field, "blank");
        address_refused(part(field, "a\nb"), field, "contains a control character");
    }
}

#[test]
fn a_country_is_two_capital_letters() {
    for country in ["", "D", "DEU", "de", "D ", "Ä"] {
        let address = DeliveryAddress { country: country.to_owned(), ..address_in("Weimar") };
        address_refused(address, "country", "not 2 capital letters");
    }
}

#[test]
fn every_wrong_field_is_reported_at_once() {
    let wrong = PlaceOrder {
        currency: "euro".to_owned(),
        lines: vec![line("", 0, -1)],
        delivery_address: DeliveryAddress { city: String::new(), ..address_in("Weimar") },
        ..order()
    };
    let errors = errors(&Command::PlaceOrder(wrong));
    let fields: Vec<_> = errors.iter().map(|(path, _)| path.as_str()).collect();
    let expected = [
        "currency",
        "delivery_address.city",
        "lines[0].quantity",
        "lines[0].sku",
        "lines[0].unit_price_minor",
    ];
    assert_eq!(fields, expected);
}
