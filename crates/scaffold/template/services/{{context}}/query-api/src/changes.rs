use axum::{extract::State, response::Response};
use query_service::{
    Change, ChangesFilter, ChangesRequest,
    openapi::{ReadResponses, StreamHeaders},
};
use serde::Deserialize;
use service_kit::{Problem, Query};
use utoipa::IntoParams;
use uuid::Uuid;

use crate::routes::Reads;

/// Which changes, and from where on.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// Only those of this {{words}}.
    {{aggregate}}_id: Option<Uuid>,
    /// Only those of this type.
    #[serde(rename = "type")]
    #[param(example = "{{Aggregate}}Created")]
    event_type: Option<String>,
    /// Where to begin without a `Last-Event-ID`: `now`, which is the default, at the `beginning`, or after the position
    /// of a consistency token.
    from: Option<String>,
}

/// Everything that happens to {{plural_words}}, as it happens: server-sent events (HTML standard).
#[utoipa::path(
    get,
    path = "/{{path}}/changes",
    params(Parameters, StreamHeaders),
    responses((status = 200, description = "A stream.", body = Change, content_type = "text/event-stream"), ReadResponses)
)]
pub(crate) async fn changes(
    State(reads): State<Reads>,
    Query(parameters): Query<Parameters>,
    request: ChangesRequest,
) -> Result<Response, Problem> {
    let filter = ChangesFilter {
        aggregate_id: parameters.{{aggregate}}_id.map(|id| id.to_string()),
        first_event: None,
        event_type: parameters.event_type,
    };
    reads.changes.stream(request.from(parameters.from), filter).await
}
