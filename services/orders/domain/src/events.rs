//! The events of an order. Each event is the Avro record of the same name in `schemas/orders/events`, with the same
//! fields.
//!
//! Events are public and kept forever, and must never be validated when they are read. Fields may only be added, with
//! `#[serde(default)]` here and a default in the next version of the schema.

use aggregate::Message;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use crate::address::DeliveryAddress;

/// An event of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Message)]
#[serde(untagged)]
pub enum Event {
    /// See [`OrderPlaced`].
    OrderPlaced(OrderPlaced),
    /// See [`DeliveryAddressChanged`].
    DeliveryAddressChanged(DeliveryAddressChanged),
    /// See [`OrderCancelled`].
    OrderCancelled(OrderCancelled),
}

/// A customer has placed the order. This is the first event of every order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPlaced {
    /// The id of the customer.
    pub customer_id: String,
    /// The currency of every amount (ISO 4217).
    pub currency: String,
    /// The ordered products, in the sequence given by the customer.
    pub lines: Vec<OrderLine>,
    /// The sum of quantity times unit price over all lines, in minor units.
    pub total_minor: i64,
    /// Where it is to be delivered.
    pub delivery_address: DeliveryAddress,
}

/// A quantity of one product at one price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderLine {
    /// The product.
    #[schema(example = "tea-500g")]
    pub sku: String,
    /// How many pieces.
    #[schema(example = 2)]
    pub quantity: i32,
    /// The price of one piece, in minor units.
    #[schema(example = 1290)]
    pub unit_price_minor: i64,
}

/// The delivery address of the order has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryAddressChanged {
    /// The whole new address.
    pub delivery_address: DeliveryAddress,
}

/// The order was cancelled and will not be delivered. This is the last event of every cancelled order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCancelled {
    /// Why the order was cancelled, in the words of the person who cancelled it.
    pub reason: String,
}
