mod customer_totals;

pub(crate) use customer_totals::{CurrencyTotals, CustomerTotals};
mod history;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

pub(crate) use history::{HistoryPage, PastEvent};

/// An order as the read model knows it.
#[expect(clippy::struct_field_names, reason = "the names are those of the JSON")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Order {
    pub(crate) order_id: Uuid,
    /// How many events it has had; also its entity tag.
    #[schema(example = 1)]
    pub(crate) version: i64,
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
    /// Only where it is cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cancellation: Option<Cancellation>,
}

/// What has become of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Status {
    /// It is to be delivered.
    Placed,
    /// It will not be delivered.
    Cancelled,
}

/// So many of one product at one price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct OrderLine {
    #[schema(example = "tea-500g")]
    pub(crate) sku: String,
    #[schema(example = 2)]
    pub(crate) quantity: i32,
    /// The price of one, in minor units.
    #[schema(example = 1290)]
    pub(crate) unit_price_minor: i64,
}

/// Where the order is to be delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct DeliveryAddress {
    #[schema(example = "Ada Lovelace")]
    pub(crate) name: String,
    #[schema(example = "12 Example Street")]
    pub(crate) street: String,
    #[schema(example = "10115")]
    pub(crate) postal_code: String,
    #[schema(example = "Berlin")]
    pub(crate) city: String,
    /// ISO 3166-1 alpha-2.
    #[schema(example = "DE")]
    pub(crate) country: String,
}

/// Why and when the order was cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Cancellation {
    #[schema(example = "ordered twice")]
    pub(crate) reason: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) cancelled_at: OffsetDateTime,
}

/// Something that has happened to an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ChangeDocument {
    pub(crate) order_id: Uuid,
    /// The order's version after it.
    #[schema(example = 2)]
    pub(crate) version: i64,
    #[serde(rename = "type")]
    #[schema(example = "OrderCancelled")]
    pub(crate) event_type: String,
    /// The event's own id.
    #[serde(rename = "id")]
    pub(crate) event_id: Uuid,
    /// Where it stands in the log.
    pub(crate) position: Position,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) occurred_at: OffsetDateTime,
    /// Who asked for it.
    #[schema(example = "anonymous")]
    pub(crate) actor: String,
    /// The event's own fields.
    #[schema(value_type = Object, example = json!({ "reason": "ordered twice" }))]
    pub(crate) event: serde_json::Value,
}

/// A place in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Position {
    #[schema(example = "orders.events")]
    pub(crate) topic: String,
    #[schema(example = 2)]
    pub(crate) partition: i32,
    #[schema(example = 1042)]
    pub(crate) offset: i64,
}

/// A part of a list; the header `Link` leads to the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct OrderPage {
    /// From the newest to the oldest.
    pub(crate) orders: Vec<Order>,
}
