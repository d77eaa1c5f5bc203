//! Why an order refuses a command. Wrong values never come this far: see [`commands`](crate::commands).

use serde::Serialize;
use thiserror::Error;

/// Why a command is refused: a stable code and a sentence for the caller.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize)]
// Without a tag the facts stand alone, and `{}` after a name makes "no facts" an empty map instead of null.
#[serde(untagged)]
pub enum Refusal {
    /// It exists already.
    #[error("the order has already been placed")]
    OrderAlreadyPlaced {},
    /// It does not exist.
    #[error("there is no such order")]
    OrderNotFound {},
    /// Nothing happens to a cancelled order any more.
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
