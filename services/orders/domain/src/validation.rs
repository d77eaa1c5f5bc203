//! The rules for values, beyond the length and range rules of `garde`.
//!
//! Text must never be trimmed or otherwise changed. Messages must not repeat the value, because it may be personal
//! data.

use crate::{PlaceOrder, commands::OrderLine};

/// The largest amount of money, in minor units: 2⁵³ - 1, the largest integer that every JSON reader keeps exactly
/// (RFC 8259, section 6).
pub(crate) const MAX_AMOUNT_MINOR: i64 = 9_007_199_254_740_991;

/// Text of a single line. Control characters would break lines in logs and on labels, and Postgres cannot store NUL.
pub(crate) fn printable<C>(text: &str, _: &C) -> garde::Result {
    if text.trim().is_empty() {
        Err(garde::Error::new("blank"))
    } else if text.contains(char::is_control) {
        Err(garde::Error::new("contains a control character"))
    } else {
        Ok(())
    }
}

/// An identifier that can be used in keys and URLs without escaping.
pub(crate) fn visible_ascii<C>(text: &str, _: &C) -> garde::Result {
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(())
    } else {
        Err(garde::Error::new("contains a character that is not visible ASCII"))
    }
}

/// The code of a country (ISO 3166) or currency (ISO 4217). Only its format is checked, because the codes in use change
/// from year to year.
pub(crate) fn capital_letters(length: usize) -> impl FnOnce(&str, &()) -> garde::Result {
    move |code, ()| {
        if code.len() == length && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
            Ok(())
        } else {
            Err(garde::Error::new(format!("not {length} capital letters")))
        }
    }
}

/// If a line names a currency, it must be that of the order.
pub(crate) fn currency_of_order(line: &str, order: &String) -> garde::Result {
    if line == order { Ok(()) } else { Err(garde::Error::new("not the currency of the order")) }
}

/// The total of an order must not exceed the largest amount of money.
pub(crate) fn total_fits<C>(lines: &[OrderLine], _: &C) -> garde::Result {
    if PlaceOrder::total_minor(lines) <= i128::from(MAX_AMOUNT_MINOR) {
        Ok(())
    } else {
        Err(garde::Error::new(format!("the total is greater than {MAX_AMOUNT_MINOR}")))
    }
}
