//! The events of orders as far as this projection reads them. Other fields are ignored and may change.

use aggregate::{Message, Payload};
use serde::{Deserialize, Serialize};

/// What this projection reads.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum Event {
    OrderPlaced(OrderPlaced),
    OrderCancelled(OrderCancelled),
}

/// A customer placed an order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OrderPlaced {
    pub(crate) customer_id: String,
    pub(crate) currency: String,
    pub(crate) total_minor: i64,
}

/// The order was cancelled.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OrderCancelled {}

impl Message for Event {
    fn message_type(&self) -> &'static str {
        match self {
            Self::OrderPlaced(_) => "OrderPlaced",
            Self::OrderCancelled(_) => "OrderCancelled",
        }
    }

    fn decode<P: Payload>(event_type: &str, payload: P) -> Result<Option<Self>, P::Error> {
        Ok(Some(match event_type {
            "OrderPlaced" => Self::OrderPlaced(payload.read()?),
            "OrderCancelled" => Self::OrderCancelled(payload.read()?),
            _ => return Ok(None),
        }))
    }
}
