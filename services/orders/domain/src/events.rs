//! What has happened to an order, exactly as it stands in `schemas/orders/events`: plain data, public for ever.
//!
//! A field is only ever added, with `#[serde(default)]` here and a default in the next version of the schema.
//! The names of the structs and of their fields are the names in the schema.

use aggregate::Payload;
use serde::{Deserialize, Serialize};

/// A fact about an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// The product.
    pub sku: String,
    /// How many of it.
    pub quantity: i32,
    /// The price of one, in minor units.
    pub unit_price_minor: i64,
}

/// Where an order is to be delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryAddress {
    /// The person or company that receives it.
    pub name: String,
    /// Street and house number.
    pub street: String,
    /// The postal code as the country writes it.
    pub postal_code: String,
    /// The city or town.
    pub city: String,
    /// The country (ISO 3166-1 alpha-2).
    pub country: String,
}

/// The order is to be delivered elsewhere than was known before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryAddressChanged {
    /// The whole new address.
    pub delivery_address: DeliveryAddress,
}

/// The order will not be delivered: the last event of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCancelled {
    /// Why, in the words of who cancelled it.
    pub reason: String,
}

impl aggregate::Message for Event {
    fn message_type(&self) -> &'static str {
        match self {
            Self::OrderPlaced(_) => "OrderPlaced",
            Self::DeliveryAddressChanged(_) => "DeliveryAddressChanged",
            Self::OrderCancelled(_) => "OrderCancelled",
        }
    }

    fn decode<P: Payload>(event_type: &str, payload: P) -> Result<Option<Self>, P::Error> {
        Ok(Some(match event_type {
            "OrderPlaced" => Self::OrderPlaced(payload.read()?),
            "DeliveryAddressChanged" => Self::DeliveryAddressChanged(payload.read()?),
            "OrderCancelled" => Self::OrderCancelled(payload.read()?),
            _ => return Ok(None),
        }))
    }
}
