use aggregate::Version;
use orders_domain::events::{DeliveryAddress, OrderLine};
use query_service::Document;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

/// An order as the read model knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Order {
    pub(crate) order_id: Uuid,
    /// How many events it has; also its entity tag.
    #[schema(value_type = i64, example = 1)]
    pub(crate) version: Version,
    pub(crate) status: Status,
    #[schema(example = "c-1001")]
    pub(crate) customer_id: String,
    /// The currency of every amount (ISO 4217).
    #[schema(example = "EUR")]
    pub(crate) currency: String,
    /// The sum over all lines, in minor units.
    #[schema(example = 2580)]
    pub(crate) total_minor: i64,
    pub(crate) lines: Vec<OrderLine>,
    pub(crate) delivery_address: DeliveryAddress,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) placed_at: OffsetDateTime,
    /// When its last event was.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) updated_at: OffsetDateTime,
    /// Only if it is cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cancellation: Option<Cancellation>,
}

/// The status of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Status {
    /// It is to be delivered.
    Placed,
    /// It will not be delivered.
    Cancelled,
}

/// Why and when an order was cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Cancellation {
    #[schema(example = "ordered twice")]
    pub(crate) reason: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) cancelled_at: OffsetDateTime,
}

impl Document for Order {
    fn version(&self) -> Version {
        self.version
    }
}
