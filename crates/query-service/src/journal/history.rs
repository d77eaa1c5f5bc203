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

/// A page of a history; the `Link` header points to the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct HistoryPage {
    /// In the order of their versions.
    pub events: Vec<PastEvent>,
}

/// An event of an aggregate, who caused it, and its position in the log. It holds personal data.
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
    /// When the command was decided.
    #[serde(with = "time::serde::rfc3339")]
    pub occurred_at: OffsetDateTime,
    /// Who sent the command.
    pub actor: String,
    /// The command that led to it.
    #[schema(format = Uuid)]
    pub command_id: String,
    /// The conversation that the command is part of.
    pub correlation_id: String,
    /// What caused the command: a request, or another event.
    pub causation_id: String,
    /// The event's position in the log.
    pub position: PositionBody,
    /// The event's own fields, as in its schema.
    #[schema(value_type = Object)]
    pub data: Value,
}

/// All events of this aggregate, from the first to the last: who caused each, when, by which command, and its position
/// in the log.
///
/// The response holds personal data, including data that the current state no longer shows: earlier values, and who
/// sent which command. Versions have no gaps; if one is missing, an operator dropped its event.
#[utoipa::path(
    get,
    path = "",
    params(("aggregate_id" = Uuid, Path, description = "Which aggregate."), PageParameters, ReadHeaders),
    responses(
        (status = 200, description = "A page. `Link` points to the next one; `Consistency-Token` is the position in the log that the response reflects.", body = HistoryPage),
        ReadResponses,
    )
)]
pub(super) async fn history(
    State(Journal(projection)): State<Journal>,
    Path(id): Path<Uuid>,
    list: List<NoFilters, i64>,
    request: ReadRequest,
) -> Result<Response, Problem> {
    let scope = projection.aggregate(id);
    let result = scope.wait_and_read(&request, || read::history(&scope, &list)).await?;
    let not_found = || projection.read_model().problems().not_found();
    let events = result.answer(scope.topic).and_then(|events| events.ok_or_else(not_found));
    Ok(events.page(&list, |last| last.version, |events| HistoryPage { events }))
}
