//! What the rules need to know of an order's past, and nothing more: millions of these are in memory.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::events::DeliveryAddress;

/// Where an order stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Nobody has placed it.
    #[default]
    NotPlaced,
    /// It is placed, to be delivered there.
    Placed {
        /// The address that is known.
        delivery_address: AddressFingerprint,
    },
    /// It is cancelled; nothing happens to it any more.
    Cancelled,
}

/// Tells addresses apart in 16 bytes, and keeps names and streets out of the memory image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressFingerprint(Uuid);

impl From<&DeliveryAddress> for AddressFingerprint {
    fn from(address: &DeliveryAddress) -> Self {
        let DeliveryAddress { name, street, postal_code, city, country } = address;
        // A line break is a control character and thus in none of the parts: it keeps them apart.
        let text = [name, street, postal_code, city, country].map(String::as_str).join("\n");
        Self(Uuid::new_v5(&Uuid::nil(), text.as_bytes()))
    }
}
