//! What a command checks before it exists: each bound is tried on both of its sides.

use super::samples::{address_in, line, order, order_of};
use crate::{
    CancelOrder, ChangeDeliveryAddress, PlaceOrder, Refusal, TextFault,
    money::{Currency, Money},
    unchecked,
};

#[track_caller]
fn accepted(order: unchecked::PlaceOrder) {
    assert!(PlaceOrder::try_from(order).is_ok());
}

#[track_caller]
fn refused(order: unchecked::PlaceOrder, refusal: &Refusal) {
    assert_eq!(&PlaceOrder::try_from(order).unwrap_err(), refusal);
}

#[track_caller]
fn address_refused(address: unchecked::DeliveryAddress, field: &'static str, fault: TextFault) {
    let refusal = Refusal::AddressInvalid { field, fault };
    assert_eq!(ChangeDeliveryAddress::try_from(address.clone()).unwrap_err(), refusal);
    refused(unchecked::PlaceOrder { delivery_address: address, ..order() }, &refusal);
}

#[test]
fn an_order_has_1_to_100_lines() {
    let lines = |count| order_of(vec![line("cup", 1, 1); count]);
    accepted(lines(1));
    accepted(lines(100));
    refused(lines(0), &Refusal::OrderIsEmpty {});
    refused(lines(101), &Refusal::TooManyLines { lines: 101, maximum: 100 });
    refused(lines(1_000_000), &Refusal::TooManyLines { lines: 1_000_000, maximum: 100 });
}

#[test]
fn a_quantity_is_between_1_and_999() {
    for quantity in [1, 999] {
        accepted(order_of(vec![line("cup", quantity, 1)]));
    }
    for quantity in [0, 1000, -1, 65_537, i64::MIN, i64::MAX] {
        let refusal = Refusal::QuantityOutOfRange { line: 2, quantity, minimum: 1, maximum: 999 };
        refused(order_of(vec![line("cup", 1, 1), line("tea", quantity, 1)]), &refusal);
    }
}

#[test]
fn a_price_may_be_nothing_but_not_less() {
    accepted(order_of(vec![line("gift", 1, 0)]));
    for unit_price_minor in [-1, i64::MIN] {
        let refusal = Refusal::UnitPriceNegative { line: 1, unit_price_minor };
        refused(order_of(vec![line("cup", 1, unit_price_minor)]), &refusal);
    }
}

#[test]
fn a_total_is_exact_up_to_the_maximum_and_refused_above() {
    let maximum = 9_007_199_254_740_991;
    let refusal = Refusal::TotalTooLarge { maximum_minor: 9_007_199_254_740_991 };
    accepted(order_of(vec![line("gold", 1, maximum)]));
    accepted(order_of(vec![line("gold", 1, maximum - 1), line("cup", 1, 1)]));
    refused(order_of(vec![line("gold", 1, maximum), line("cup", 1, 1)]), &refusal);
    refused(order_of(vec![line("gold", 1, maximum + 1)]), &refusal);
    refused(order_of(vec![line("gold", 2, maximum)]), &refusal);
    refused(order_of(vec![line("gold", 999, i64::MAX)]), &refusal);
    refused(order_of(vec![line("gold", 999, i64::MAX); 100]), &refusal);
}

#[test]
fn an_amount_that_has_no_room_in_an_integer_is_refused() {
    let half = Money::new(1 << 52, Currency::try_from("EUR").unwrap()).unwrap();
    let refusal = Refusal::TotalTooLarge { maximum_minor: Money::MAXIMUM_MINOR };
    // 2⁵² times 2¹² is 2⁶⁴, which would wrap to nothing.
    assert_eq!(half.times(1 << 12), Err(refusal.clone()));
    assert_eq!(half.plus(half), Err(refusal));
}

#[test]
fn a_line_may_name_the_currency_of_the_order_and_no_other() {
    let in_currency = |currency: &str| {
        let own = unchecked::OrderLine { currency: Some(currency.to_owned()), ..line("cup", 1, 1) };
        order_of(vec![line("tea", 1, 1), own])
    };
    accepted(in_currency("EUR"));
    for currency in ["USD", "eur", "EUR ", ""] {
        let refusal = Refusal::CurrencyMismatch { line: 2, currency: "EUR".to_owned() };
        refused(in_currency(currency), &refusal);
    }
}

#[test]
fn a_currency_is_three_capital_letters() {
    for currency in ["", "EU", "EURO", "eur", "E R", "12A", "€"] {
        let fault = TextFault::NotCapitalLetters { length: 3 };
        let order = unchecked::PlaceOrder { currency: currency.to_owned(), ..order() };
        refused(order, &Refusal::CurrencyInvalid { fault });
    }
}

#[test]
fn ids_of_customers_and_products_have_1_to_64_visible_ascii_characters() {
    let faulty = [
        (String::new(), TextFault::Blank {}),
        (" \t".to_owned(), TextFault::Blank {}),
        ("x".repeat(65), TextFault::TooLong { maximum_length: 64 }),
        ("a b".to_owned(), TextFault::ForbiddenCharacter {}),
        ("tee-grün".to_owned(), TextFault::ForbiddenCharacter {}),
        ("a\0".to_owned(), TextFault::ForbiddenCharacter {}),
    ];
    for (id, fault) in faulty {
        let by_customer = unchecked::PlaceOrder { customer_id: id.clone(), ..order() };
        refused(by_customer, &Refusal::CustomerIdInvalid { fault });
        refused(order_of(vec![line(&id, 1, 1)]), &Refusal::SkuInvalid { line: 1, fault });
    }
    let longest = "x".repeat(64);
    let lines = vec![line(&longest, 1, 1)];
    accepted(unchecked::PlaceOrder { customer_id: longest, lines, ..order() });
}

#[test]
fn a_reason_has_1_to_500_characters_of_one_line() {
    let faulty = [
        (String::new(), TextFault::Blank {}),
        ("\u{2003} ".to_owned(), TextFault::Blank {}),
        ("ü".repeat(501), TextFault::TooLong { maximum_length: 500 }),
        ("two\nlines".to_owned(), TextFault::ForbiddenCharacter {}),
        ("nul\0".to_owned(), TextFault::ForbiddenCharacter {}),
    ];
    for (reason, fault) in faulty {
        let refusal = CancelOrder::try_from(reason).unwrap_err();
        assert_eq!(refusal, Refusal::ReasonInvalid { fault });
    }
    assert!(CancelOrder::try_from("ü".repeat(500)).is_ok());
}

#[test]
fn every_part_of_an_address_is_there_short_and_printable() {
    let part = |field, text: String| {
        let mut address = address_in("Weimar");
        match field {
            "name" => address.name = text,
            "street" => address.street = text,
            "postal_code" => address.postal_code = text,
            _ => address.city = text,
        }
        address
    };
    for (field, maximum_length) in [("name", 100), ("street", 100), ("postal_code", 16), ("city", 100)] {
        assert!(ChangeDeliveryAddress::try_from(part(field, "ü".repeat(maximum_length))).is_ok());
        let too_long = part(field, "ü".repeat(maximum_length + 1));
        address_refused(too_long, field, TextFault::TooLong { maximum_length });
        address_refused(part(field, " ".to_owned()), field, TextFault::Blank {});
        address_refused(part(field, "a\nb".to_owned()), field, TextFault::ForbiddenCharacter {});
    }
}

#[test]
fn a_country_is_two_capital_letters() {
    for country in ["", "D", "DEU", "de", "D ", "Ä"] {
        let address = unchecked::DeliveryAddress { country: country.to_owned(), ..address_in("Weimar") };
        address_refused(address, "country", TextFault::NotCapitalLetters { length: 2 });
    }
}
