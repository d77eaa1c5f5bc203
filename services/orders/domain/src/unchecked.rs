//! What a caller asks for, as it came in: plain values that no rule has seen yet. In this form commands travel
//! through Kafka, exactly as it stands in `schemas/orders/commands`.
//!
//! Each becomes a command by `TryFrom`, or a [`Refusal`](crate::Refusal) that says which value is wrong. A field is only
//! ever added, with `#[serde(default)]` here and a default in the next version of the schema.

use aggregate::Payload;
use serde::{Deserialize, Serialize};

/// A wish to have something done with an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Command {
    /// See [`PlaceOrder`].
    PlaceOrder(PlaceOrder),
    /// See [`ChangeDeliveryAddress`].
    ChangeDeliveryAddress(ChangeDeliveryAddress),
    /// See [`CancelOrder`].
    CancelOrder(CancelOrder),
}

/// A wish to place an order; see [`crate::PlaceOrder`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceOrder {
    /// Who orders: 1 to 64 visible ASCII characters.
    pub customer_id: String,
    /// The currency of the whole order: three capital letters (ISO 4217).
    pub currency: String,
    /// What is ordered: 1 to 100 lines.
    pub lines: Vec<OrderLine>,
    /// Where it is to be delivered.
    pub delivery_address: DeliveryAddress,
}

/// So many of one product at one price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// The product: 1 to 64 visible ASCII characters.
    pub sku: String,
    /// How many: 1 to 999.
    pub quantity: i64,
    /// The price of one in minor units, not negative.
    pub unit_price_minor: i64,
    /// The currency of the price; it may be left out, and must equal the order's where it is given.
    #[serde(default)]
    pub currency: Option<String>,
}

/// Where an order is to be delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryAddress {
    /// The person or company that receives it: 1 to 100 characters.
    pub name: String,
    /// Street and house number: 1 to 100 characters.
    pub street: String,
    /// The postal code as the country writes it: 1 to 16 characters.
    pub postal_code: String,
    /// The city or town: 1 to 100 characters.
    pub city: String,
    /// Two capital letters (ISO 3166-1 alpha-2).
    pub country: String,
}

/// A wish to have an order delivered elsewhere; see [`crate::ChangeDeliveryAddress`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeDeliveryAddress {
    /// The whole new address.
    pub delivery_address: DeliveryAddress,
}

/// A wish to cancel an order; see [`crate::CancelOrder`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelOrder {
    /// Why: 1 to 500 characters.
    pub reason: String,
}

impl aggregate::Message for Command {
    fn message_type(&self) -> &'static str {
        match self {
            Self::PlaceOrder(_) => "PlaceOrder",
            Self::ChangeDeliveryAddress(_) => "ChangeDeliveryAddress",
            Self::CancelOrder(_) => "CancelOrder",
        }
    }

    fn decode<P: Payload>(command_type: &str, payload: P) -> Result<Option<Self>, P::Error> {
        Ok(Some(match command_type {
            "PlaceOrder" => Self::PlaceOrder(payload.read()?),
            "ChangeDeliveryAddress" => Self::ChangeDeliveryAddress(payload.read()?),
            "CancelOrder" => Self::CancelOrder(payload.read()?),
            _ => return Ok(None),
        }))
    }
}
