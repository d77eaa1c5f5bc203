//! What the rules need to know about the past of an order, and nothing more: services keep many of these in memory.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::DeliveryAddress;

/// The state of an order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// It does not exist yet.
    #[default]
    NotPlaced,
    /// It is placed.
    Placed {
        /// Where it is to be delivered.
        delivery_address: AddressFingerprint,
    },
    /// It is cancelled, for good.
    Cancelled,
}

/// Tells addresses apart in 16 bytes, and keeps personal data out of snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressFingerprint(Uuid);

impl From<&DeliveryAddress> for AddressFingerprint {
    fn from(address: &DeliveryAddress) -> Self {
        let DeliveryAddress { name, street, postal_code, city, country } = address;
        // Validation refuses control characters in every part, so a line break separates them.
        let text = [name, street, postal_code, city, country].map(String::as_str).join("\n");
        Self(Uuid::new_v5(&Uuid::nil(), text.as_bytes()))
    }
}
