//! Where an order is to be delivered.

use crate::{
    Refusal, events,
    text::{capital_letters, prose},
    unchecked,
};

/// An address whose every part can be printed on a label.
#[derive(Debug, Clone)]
pub(crate) struct Address(events::DeliveryAddress);

impl TryFrom<unchecked::DeliveryAddress> for Address {
    type Error = Refusal;

    fn try_from(address: unchecked::DeliveryAddress) -> Result<Self, Refusal> {
        Ok(Self(events::DeliveryAddress {
            name: part("name", address.name, 100)?,
            street: part("street", address.street, 100)?,
            postal_code: part("postal_code", address.postal_code, 16)?,
            city: part("city", address.city, 100)?,
            country: country(address.country)?,
        }))
    }
}

fn part(field: &'static str, text: String, maximum_length: usize) -> Result<String, Refusal> {
    prose(text, maximum_length).map_err(|fault| Refusal::AddressInvalid { field, fault })
}

/// A country by its code of two capital letters (ISO 3166-1 alpha-2).
fn country(text: String) -> Result<String, Refusal> {
    match capital_letters::<2>(&text) {
        Ok(_) => Ok(text),
        Err(fault) => Err(Refusal::AddressInvalid { field: "country", fault }),
    }
}

impl From<Address> for events::DeliveryAddress {
    fn from(address: Address) -> Self {
        address.0
    }
}
