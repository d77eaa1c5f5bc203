use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::PositionBody;

/// An event of an aggregate, as the `data` of a server-sent event. The field of the aggregate's id is named after the
/// aggregate: `order_id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Change {
    /// The aggregate's id.
    #[serde(skip)]
    pub aggregate_id: String,
    /// The aggregate's version after the event.
    #[schema(example = 2)]
    pub version: i64,
    /// The event's name.
    pub r#type: String,
    /// The event's own id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The event's position in the log.
    pub position: PositionBody,
    /// When the command was decided.
    #[serde(with = "time::serde::rfc3339")]
    pub occurred_at: OffsetDateTime,
    /// Who sent the command.
    #[schema(example = "anonymous")]
    pub actor: String,
    /// The event's own fields, as in its schema.
    #[schema(value_type = Object)]
    pub event: Value,
}
