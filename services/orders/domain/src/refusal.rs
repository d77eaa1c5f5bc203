//! Every way in which a rule says no.

use serde::Serialize;
use thiserror::Error;

use crate::text::TextFault;

/// Why a command is not followed: a stable code, a sentence, and the facts.
///
/// Neither repeats a text that the caller gave, so both can be shown and logged. Lines are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize)]
// Without a tag the facts stand alone, and `{}` after a name makes "no facts" an empty map instead of null.
#[serde(untagged)]
#[expect(missing_docs, reason = "each message is the documentation, and the facts are the words in it")]
pub enum Refusal {
    #[error("the order has been placed already")]
    OrderAlreadyPlaced {},
    #[error("there is no such order")]
    OrderNotFound {},
    #[error("the order has been cancelled already")]
    OrderAlreadyCancelled {},

    #[error("an order has at least one line")]
    OrderIsEmpty {},
    #[error("an order has at most {maximum} lines, not {lines}")]
    TooManyLines { lines: usize, maximum: usize },
    #[error("line {line}: the quantity {quantity} is not between {minimum} and {maximum}")]
    QuantityOutOfRange { line: usize, quantity: i64, minimum: u16, maximum: u16 },
    #[error("line {line}: the unit price {unit_price_minor} is negative")]
    UnitPriceNegative { line: usize, unit_price_minor: i64 },
    #[error("line {line}: the price is not in {currency}, the currency of the order")]
    CurrencyMismatch { line: usize, currency: String },
    #[error("the total of the order is above {maximum_minor} minor units")]
    TotalTooLarge { maximum_minor: u64 },

    #[error("the currency {fault}")]
    CurrencyInvalid {
        #[serde(flatten)]
        fault: TextFault,
    },
    #[error("the customer id {fault}")]
    CustomerIdInvalid {
        #[serde(flatten)]
        fault: TextFault,
    },
    #[error("line {line}: the sku {fault}")]
    SkuInvalid {
        line: usize,
        #[serde(flatten)]
        fault: TextFault,
    },
    #[error("the delivery address: {field} {fault}")]
    AddressInvalid {
        field: &'static str,
        #[serde(flatten)]
        fault: TextFault,
    },
    #[error("the reason {fault}")]
    ReasonInvalid {
        #[serde(flatten)]
        fault: TextFault,
    },
}

impl aggregate::Refusal for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Self::OrderAlreadyPlaced {} => "order-already-placed",
            Self::OrderNotFound {} => "order-not-found",
            Self::OrderAlreadyCancelled {} => "order-already-cancelled",
            Self::OrderIsEmpty {} => "order-is-empty",
            Self::TooManyLines { .. } => "too-many-lines",
            Self::QuantityOutOfRange { .. } => "quantity-out-of-range",
            Self::UnitPriceNegative { .. } => "unit-price-negative",
            Self::CurrencyMismatch { .. } => "currency-mismatch",
            Self::TotalTooLarge { .. } => "total-too-large",
            Self::CurrencyInvalid { .. } => "currency-invalid",
            Self::CustomerIdInvalid { .. } => "customer-id-invalid",
            Self::SkuInvalid { .. } => "sku-invalid",
            Self::AddressInvalid { .. } => "address-invalid",
            Self::ReasonInvalid { .. } => "reason-invalid",
        }
    }
}
