//! The state of an order. It contains only what the rules need, because services keep millions of states in memory.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::DeliveryAddress;

/// The state of an order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// The order does not exist yet.
    #[default]
    NotPlaced,
    /// The order is placed.
    Placed {
        /// Where it is to be delivered.
        delivery_address: AddressFingerprint,
    },
    /// The order is cancelled. No further event can follow.
    Cancelled,
}

/// A hash of an address: it distinguishes addresses in 16 bytes, and keeps personal data out of snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressFingerprint(Uuid);

impl From<&DeliveryAddress> for AddressFingerprint {
    fn from(address: &DeliveryAddress) -> Self {
        let DeliveryAddress { name, street, postal_code, city, country } = address;
        // Validation refuses control characters in every part, so a line break is an unambiguous separator.
        let text = [name, street, postal_code, city, country].map(String::as_str).join("\n");
        Self(Uuid::new_v5(&Uuid::nil(), text.as_bytes()))
    }
}
