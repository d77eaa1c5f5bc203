use orders_domain::unchecked;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where an order is to be delivered.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeliveryAddress {
    /// The person or company that receives it: 1 to 100 characters.
    #[schema(example = "Ada Lovelace")]
    name: String,
    /// Street and house number: 1 to 100 characters.
    #[schema(example = "12 Example Street")]
    street: String,
    /// The postal code as the country writes it: 1 to 16 characters.
    #[schema(example = "10115")]
    postal_code: String,
    /// The city or town: 1 to 100 characters.
    #[schema(example = "Berlin")]
    city: String,
    /// ISO 3166-1 alpha-2.
    #[schema(example = "DE")]
    country: String,
}

impl From<DeliveryAddress> for unchecked::DeliveryAddress {
    fn from(address: DeliveryAddress) -> Self {
        let DeliveryAddress { name, street, postal_code, city, country } = address;
        Self { name, street, postal_code, city, country }
    }
}
