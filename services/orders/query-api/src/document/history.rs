use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Position;

/// A part of the history of an order; the header `Link` leads to the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct HistoryPage {
    /// From the first to the last.
    pub(crate) events: Vec<PastEvent>,
}

/// What has happened to an order once, who caused it, and where that stands in the log. It holds personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct PastEvent {
    /// The version that the order got by it.
    #[schema(example = 1)]
    pub(crate) version: i64,
    #[schema(example = "OrderPlaced")]
    pub(crate) r#type: String,
    /// The event's own id.
    pub(crate) id: Uuid,
    /// When it was decided.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) occurred_at: OffsetDateTime,
    /// Who asked for it.
    pub(crate) actor: String,
    /// The command that led to it.
    pub(crate) command_id: Uuid,
    /// The conversation that the command is part of.
    pub(crate) correlation_id: String,
    /// What caused the command: a request, or another event.
    pub(crate) causation_id: String,
    pub(crate) position: Position,
    /// The event's own fields, as in its schema.
    #[schema(value_type = Object)]
    pub(crate) data: Value,
}
