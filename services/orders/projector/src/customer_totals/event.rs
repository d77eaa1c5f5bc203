//! The events and fields of orders that this projection reads. Other fields are ignored and may change.

use aggregate::Message;
use serde::{Deserialize, Serialize};

/// The events that this projection reads.
#[derive(Debug, Clone, Serialize, Message)]
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
