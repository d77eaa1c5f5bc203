//! Why an order refuses a command. Invalid values are refused earlier: see [`commands`](crate::commands).

use serde::Serialize;
use thiserror::Error;

/// Why a command is refused: a stable code and a message for the client.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize)]
// Untagged, so that only the fields are serialized. Variants without fields need `{}` to be an empty map instead of
// null.
#[serde(untagged)]
pub enum Refusal {
    /// The order already exists.
    #[error("the order has already been placed")]
    OrderAlreadyPlaced {},
    /// The order does not exist.
    #[error("there is no such order")]
    OrderNotFound {},
    /// The order is cancelled and can no longer be changed.
    #[error("the order has already been cancelled")]
    OrderAlreadyCancelled {},
}

impl aggregate::Refusal for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Self::OrderAlreadyPlaced {} => "order-already-placed",
            Self::OrderNotFound {} => "order-not-found",
            Self::OrderAlreadyCancelled {} => "order-already-cancelled",
        }
    }
}
