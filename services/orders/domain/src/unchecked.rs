//! What a caller asks for, as it came in: plain values that no rule has seen yet.
//!
//! Each becomes a command by `TryFrom`, or a [`Refusal`](crate::Refusal) that says which value is wrong.

/// A wish to place an order; see [`crate::PlaceOrder`].
#[derive(Debug, Clone)]
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
#[derive(Debug, Clone)]
pub struct OrderLine {
    /// The product: 1 to 64 visible ASCII characters.
    pub sku: String,
    /// How many: 1 to 999.
    pub quantity: i64,
    /// The price of one in minor units, not negative.
    pub unit_price_minor: i64,
    /// The currency of the price; it may be left out, and must equal the order's where it is given.
    pub currency: Option<String>,
}

/// Where an order is to be delivered.
#[derive(Debug, Clone)]
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
