//! The commands to an order. Each command is the body of an HTTP request and the Avro record of the same name in
//! `schemas/orders/commands`.
//!
//! A service validates a command once, where it enters; the decision can rely on that. Fields may only be added, with
//! `#[serde(default)]` here and a default in the next version of the schema.

use aggregate::Message;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

pub use crate::address::DeliveryAddress;
use crate::validation::{
    MAX_AMOUNT_MINOR, capital_letters, currency_of_order, printable, total_fits, visible_ascii,
};

/// A command to an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Message)]
#[message(validate)]
#[serde(untagged)]
pub enum Command {
    /// See [`PlaceOrder`].
    PlaceOrder(PlaceOrder),
    /// See [`ChangeDeliveryAddress`].
    ChangeDeliveryAddress(ChangeDeliveryAddress),
    /// See [`CancelOrder`].
    CancelOrder(CancelOrder),
}

/// Places an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
pub struct PlaceOrder {
    /// The id of the new order, if the client chooses it. In Kafka it is the key of the record.
    #[garde(skip)]
    #[serde(default, skip_serializing)]
    pub order_id: Option<Uuid>,
    /// The id of the customer: 1 to 64 visible ASCII characters.
    #[garde(length(min = 1, max = 64), custom(visible_ascii))]
    #[schema(example = "c-1001")]
    pub customer_id: String,
    /// The currency of the whole order: three capital letters (ISO 4217).
    #[garde(custom(capital_letters(3)))]
    #[schema(example = "EUR")]
    pub currency: String,
    /// The ordered products: 1 to 100 lines, whose total is at most 9007199254740991 minor units.
    #[garde(length(min = 1, max = 100), custom(total_fits), dive(&self.currency))]
    pub lines: Vec<OrderLine>,
    /// Where it is to be delivered.
    #[garde(dive)]
    pub delivery_address: DeliveryAddress,
}

/// A quantity of one product at one price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[garde(context(String as currency))]
pub struct OrderLine {
    /// The product: 1 to 64 visible ASCII characters.
    #[garde(length(min = 1, max = 64), custom(visible_ascii))]
    #[schema(example = "tea-500g")]
    pub sku: String,
    /// How many pieces: 1 to 999.
    #[garde(range(min = 1, max = 999))]
    #[schema(example = 2)]
    pub quantity: i64,
    /// The price of one piece in minor units, not negative.
    #[garde(range(min = 0, max = MAX_AMOUNT_MINOR))]
    #[schema(example = 1290)]
    pub unit_price_minor: i64,
    /// The currency of the price. If it is given, it must be the currency of the order.
    #[garde(inner(custom(currency_of_order)))]
    #[serde(default)]
    #[schema(example = "EUR")]
    pub currency: Option<String>,
}

/// Changes the delivery address of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
pub struct ChangeDeliveryAddress {
    /// The whole new address.
    #[garde(dive)]
    pub delivery_address: DeliveryAddress,
}

/// Cancels an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
pub struct CancelOrder {
    /// Why the order is cancelled: 1 to 500 characters.
    #[garde(length(chars, max = 500), custom(printable))]
    #[schema(example = "ordered twice")]
    pub reason: String,
}

impl PlaceOrder {
    /// The sum of quantity times unit price over these lines. It saturates at a value far above what validation
    /// accepts.
    pub(crate) fn total_minor(lines: &[OrderLine]) -> i128 {
        let price = |line: &OrderLine| i128::from(line.quantity) * i128::from(line.unit_price_minor);
        lines.iter().map(price).fold(0, i128::saturating_add)
    }
}
