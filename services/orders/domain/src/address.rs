//! The delivery address, which is the same type in commands and events.
//!
//! Its limits are checked only in commands. Events must never be validated when they are read, because they may have
//! been written under other limits.

use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::validation::{capital_letters, printable};

/// Where an order is to be delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
pub struct DeliveryAddress {
    /// The person or company that receives the order: 1 to 100 characters.
    #[garde(length(chars, max = 100), custom(printable))]
    #[schema(example = "Ada Lovelace")]
    pub name: String,
    /// Street and house number: 1 to 100 characters.
    #[garde(length(chars, max = 100), custom(printable))]
    #[schema(example = "12 Example Street")]
    pub street: String,
    /// The postal code in the country's format: 1 to 16 characters.
    #[garde(length(chars, max = 16), custom(printable))]
    #[schema(example = "10115")]
    pub postal_code: String,
    /// The city or town: 1 to 100 characters.
    #[garde(length(chars, max = 100), custom(printable))]
    #[schema(example = "Berlin")]
    pub city: String,
    /// The country: two capital letters (ISO 3166-1 alpha-2).
    #[garde(custom(capital_letters(2)))]
    #[schema(example = "DE")]
    pub country: String,
}
