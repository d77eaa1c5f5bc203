//! The limits of the values in commands. Each limit is tested on both sides.

use garde::Validate;

use super::samples::{address_in, line, order, order_of};
use crate::{CancelOrder, ChangeDeliveryAddress, Command, DeliveryAddress, PlaceOrder, commands::OrderLine};

/// The errors of a command: the path of each invalid field, and the message.
fn errors(command: &impl Validate<Context = ()>) -> Vec<(String, String)> {
    let report = command.validate().err();
    let errors = report.into_iter().flat_map(garde::Report::into_inner);
    errors.map(|(path, error)| (path.to_string(), error.to_string())).collect()
}

#[track_caller]
fn assert_accepted(command: &impl Validate<Context = ()>) {
    assert_eq!(errors(command), []);
}

#[track_caller]
fn assert_refused(command: &impl Validate<Context = ()>, path: &str, message: &str) {
    assert_eq!(errors(command), [(path.to_owned(), message.to_owned())]);
}

#[track_caller]
fn assert_address_refused(address: DeliveryAddress, field: &str, message: &str) {
    assert_refused(&address, field, message);
    let path = format!("delivery_address.{field}");
    assert_refused(&PlaceOrder { delivery_address: address.clone(), ..order() }, &path, message);
    assert_refused(&ChangeDeliveryAddress { delivery_address: address }, &path, message);
}

#[test]
fn an_order_has_1_to_100_lines() {
    let lines = |count| order_of(vec![line("cup", 1, 1); count]);
    assert_accepted(&lines(1));
    assert_accepted(&lines(100));
    assert_refused(&lines(0), "lines", "length is lower than 1");
    for count in [101, 1_000_000] {
        assert_refused(&lines(count), "lines", "length is greater than 100");
    }
}

#[test]
fn a_quantity_is_between_1_and_999() {
    let quantity = |quantity| order_of(vec![line("cup", 1, 1), line("tea", quantity, 1)]);
    assert_accepted(&quantity(1));
    assert_accepted(&quantity(999));
    for low in [0, -1, i64::MIN] {
        assert_refused(&quantity(low), "lines[1].quantity", "lower than 1");
    }
    for high in [1000, 65_537, 1_000_000_000] {
        assert_refused(&quantity(high), "lines[1].quantity", "greater than 999");
    }
}

#[test]
fn a_price_may_be_zero_but_not_negative() {
    assert_accepted(&order_of(vec![line("gift", 1, 0)]));
    for price in [-1, i64::MIN] {
        assert_refused(&order_of(vec![line("cup", 1, price)]), "lines[0].unit_price_minor", "lower than 0");
    }
}

#[test]
fn a_total_is_at_most_the_largest_amount() {
    let maximum = 9_007_199_254_740_991;
    let message = "the total is greater than 9007199254740991";
    assert_accepted(&order_of(vec![line("gold", 1, maximum)]));
    assert_accepted(&order_of(vec![line("gold", 1, maximum - 1), line("cup", 1, 1)]));
    assert_refused(&order_of(vec![line("gold", 1, maximum), line("cup", 1, 1)]), "lines", message);
    assert_refused(&order_of(vec![line("gold", 2, maximum)]), "lines", message);
    assert_refused(&order_of(vec![line("gold", 999, maximum); 100]), "lines", message);
}

#[test]
fn any_price_above_the_largest_amount_is_refused() {
    for price in [9_007_199_254_740_992, i64::MAX] {
        let errors = errors(&order_of(vec![line("gold", 999, price); 100]));
        assert_eq!(errors.len(), 101, "each price, and the total");
        let expected = ("lines[0].unit_price_minor".to_owned(), "greater than 9007199254740991".to_owned());
        assert!(errors.contains(&expected), "{errors:?}");
    }
    let largest = order_of(vec![line("gold", i64::MAX, i64::MAX); 100]);
    assert_eq!(errors(&largest).len(), 201, "each quantity, each price, and the total");
}

#[test]
fn a_line_may_name_only_the_currency_of_the_order() {
    let in_currency = |currency: &str| {
        let line_with_currency = OrderLine { currency: Some(currency.to_owned()), ..line("cup", 1, 1) };
        order_of(vec![line("tea", 1, 1), line_with_currency])
    };
    assert_accepted(&in_currency("EUR"));
    for currency in ["USD", "eur", "EUR ", ""] {
        assert_refused(&in_currency(currency), "lines[1].currency", "not the currency of the order");
    }
}

#[test]
fn a_currency_is_three_capital_letters() {
    for currency in ["", "EU", "EURO", "eur", "E R", "12A", "€"] {
        let order = PlaceOrder { currency: currency.to_owned(), ..order() };
        assert_refused(&order, "currency", "not 3 capital letters");
    }
}

#[test]
fn ids_of_customers_and_products_have_1_to_64_visible_ascii_characters() {
    let not_visible = "contains a character that is not visible ASCII";
    let too_long = "x".repeat(65);
    for (id, message) in [
        ("", "length is lower than 1"),
        (too_long.as_str(), "length is greater than 64"),
        (" \t", not_visible),
        ("a b", not_visible),
        ("tee-grün", not_visible),
        ("a\0", not_visible),
    ] {
        assert_refused(&PlaceOrder { customer_id: id.to_owned(), ..order() }, "customer_id", message);
        assert_refused(&order_of(vec![line(id, 1, 1)]), "lines[0].sku", message);
    }
    let longest = "x".repeat(64);
    let lines = vec![line(&longest, 1, 1)];
    assert_accepted(&PlaceOrder { customer_id: longest, lines, ..order() });
}

#[test]
fn a_reason_has_1_to_500_characters_in_one_line() {
    let cancel = |reason: &str| CancelOrder { reason: reason.to_owned() };
    for blank in ["", "\u{2003} "] {
        assert_refused(&cancel(blank), "reason", "blank");
    }
    for control in ["two\nlines", "nul\0"] {
        assert_refused(&cancel(control), "reason", "contains a control character");
    }
    assert_refused(&cancel(&"ü".repeat(501)), "reason", "length is greater than 500");
    assert_accepted(&cancel(&"ü".repeat(500)));
}

#[test]
fn every_part_of_an_address_is_limited_in_length_and_printable() {
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
        assert_accepted(&part(field, &"ü".repeat(max_length)));
        let too_long = format!("length is greater than {max_length}");
        assert_address_refused(part(field, &"ü".repeat(max_length + 1)), field, &too_long);
        assert_address_refused(part(field, " "), field, "blank");
        assert_address_refused(part(field, "a\nb"), field, "contains a control character");
    }
}

#[test]
fn a_country_is_two_capital_letters() {
    for country in ["", "D", "DEU", "de", "D ", "Ä"] {
        let address = DeliveryAddress { country: country.to_owned(), ..address_in("Weimar") };
        assert_address_refused(address, "country", "not 2 capital letters");
    }
}

#[test]
fn all_invalid_fields_are_reported_together() {
    let invalid = PlaceOrder {
        currency: "euro".to_owned(),
        lines: vec![line("", 0, -1)],
        delivery_address: DeliveryAddress { city: String::new(), ..address_in("Weimar") },
        ..order()
    };
    let errors = errors(&Command::PlaceOrder(invalid));
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
