use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::PositionBody;

/// A page of a history; the header `Link` leads to the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct HistoryPage {
    /// From the first to the last.
    pub events: Vec<PastEvent>,
}

/// An event of an aggregate, who caused it, and where it is in the log. It holds personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PastEvent {
    /// The aggregate's version after the event.
    #[schema(example = 1)]
    pub version: i64,
    /// The event's name.
    pub r#type: String,
    /// The event's own id.
    #[schema(format = Uuid)]
    pub id: String,
    /// When it was decided.
    #[serde(with = "time::serde::rfc3339")]
    pub occurred_at: OffsetDateTime,
    /// Who asked for it.
    pub actor: String,
    /// The command that led to it.
    #[schema(format = Uuid)]
    pub command_id: String,
    /// The conversation that the command is part of.
    pub correlation_id: String,
    /// What caused the command: a request, or another event.
    pub causation_id: String,
    /// Where it is in the log.
    pub position: PositionBody,
    /// The event's own fields, as in its schema.
    #[schema(value_type = Object)]
    pub data: Value,
}
