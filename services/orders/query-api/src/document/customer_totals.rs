use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

/// What a customer has ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct CustomerTotals {
    #[schema(example = "c-1001")]
    pub(crate) customer_id: String,
    /// By currency, in the order of the currencies' codes; none where the customer has ordered nothing.
    pub(crate) totals: Vec<CurrencyTotals>,
}

/// What a customer has ordered in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct CurrencyTotals {
    /// The currency of every amount (ISO 4217).
    #[schema(example = "EUR")]
    pub(crate) currency: String,
    /// How many orders were placed, cancelled ones too.
    #[schema(example = 3)]
    pub(crate) orders_placed: i64,
    /// How many of them were cancelled.
    #[schema(example = 1)]
    pub(crate) orders_cancelled: i64,
    /// The sum of all orders placed, cancelled ones too, in minor units.
    #[schema(example = 7740)]
    pub(crate) placed_minor: i64,
    /// The sum of all orders cancelled, in minor units.
    #[schema(example = 2580)]
    pub(crate) cancelled_minor: i64,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) first_order_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) last_order_at: OffsetDateTime,
}

impl CustomerTotals {
    /// How many events have made the totals what they are: each is counted once, so it grows with every change.
    pub(crate) fn events(&self) -> i64 {
        self.totals.iter().map(|totals| totals.orders_placed + totals.orders_cancelled).sum()
    }
}
