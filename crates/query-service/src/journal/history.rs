use axum::{extract::State, response::Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service_kit::{Path, Problem};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Journal, read};
use crate::{
    List, NoFilters, PageParameters, PositionBody, ReadRequest,
    openapi::{ReadHeaders, ReadResponses},
};

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

/// Everything that has happened to this aggregate, from the first event to the last: who caused it, when, by which
/// command, and where it is in the log.
///
/// It holds personal data, also such that the current state no longer shows: earlier values, and who asked for what.
/// Versions follow each other without a gap; if one is missing, its event was dropped by an operator.
#[utoipa::path(
    get,
    path = "",
    params(("aggregate_id" = Uuid, Path, description = "Which aggregate."), PageParameters, ReadHeaders),
    responses(
        (status = 200, description = "A page. `Link` leads to the next one; `Consistency-Token` says how far the answer has seen the log.", body = HistoryPage),
        ReadResponses,
    )
)]
pub(super) async fn history(
    State(Journal(projection)): State<Journal>,
    Path(id): Path<Uuid>,
    list: List<NoFilters, i64>,
    request: ReadRequest,
) -> Result<Response, Problem> {
    let at = projection.aggregate(id);
    let reading = at.wait_and_read(&request, || read::history(&at, &list)).await?;
    let not_found = || projection.read_model().problems().not_found();
    let events = reading.answer(at.topic).and_then(|events| events.ok_or_else(not_found));
    Ok(events.page(&list, |last| last.version, |events| HistoryPage { events }))
}
