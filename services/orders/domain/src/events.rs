//! What has happened to an order. Each event is the Avro record of the same name in `schemas/orders/events`, and its fields
//! are the fields of that record.
//!
//! Events are public and kept for ever, and are never validated when they are read. A field is only ever added, with
//! `#[serde(default)]` here and a default in the next version of the schema.

use aggregate::Message;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use crate::address::DeliveryAddress;

/// A fact about an order.
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

/// A customer has ordered: the first event of every order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPlaced {
    /// Who ordered.
    pub customer_id: String,
    /// The currency of every amount (ISO 4217).
    pub currency: String,
    /// What was ordered, in the customer's order.
    pub lines: Vec<OrderLine>,
    /// The sum of quantity times unit price over all lines, in minor units.
    pub total_minor: i64,
    /// Where it is to be delivered.
    pub delivery_address: DeliveryAddress,
}

/// So many of one product at one price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderLine {
    /// The product.
    #[schema(example = "tea-500g")]
    pub sku: String,
    /// How many of it.
    #[schema(example = 2)]
    pub quantity: i32,
    /// The price of one, in minor units.
    #[schema(example = 1290)]
    pub unit_price_minor: i64,
}

/// The order is to be delivered to another address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryAddressChanged {
    /// The whole new address.
    pub delivery_address: DeliveryAddress,
}

/// The order will not be delivered: the last event of every cancelled order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCancelled {
    /// Why, in the words of the person who cancelled it.
    pub reason: String,
}
