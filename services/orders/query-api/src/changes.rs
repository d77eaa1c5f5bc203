use axum::{extract::State, response::Response};
use query_service::{
    Change, ChangesFilter, ChangesRequest,
    openapi::{ReadResponses, StreamHeaders},
};
use serde::Deserialize;
use service_kit::{Problem, Query};
use utoipa::IntoParams;
use uuid::Uuid;

use crate::{customer_id::CustomerId, reads::Reads};

/// Which changes to stream, and where to begin.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// Only changes of this order.
    order_id: Option<Uuid>,
    /// Only changes of orders of this customer.
    #[param(value_type = Option<String>, example = "c-1001")]
    customer_id: Option<CustomerId>,
    /// Only events of this type.
    #[serde(rename = "type")]
    #[param(example = "OrderPlaced")]
    event_type: Option<String>,
    /// Where to begin without a `Last-Event-ID`: `now`, which is the default, at the `beginning`, or after the positions
    /// of a consistency token.
    #[param(example = "beginning")]
    from: Option<String>,
}

/// Streams new events of orders as server-sent events (HTML standard).
///
/// Events of one order are sent in the order of their versions; events of different orders are in no particular order.
/// `Last-Event-ID` resumes a stream after that event. If the service ends a stream, the last event is `end`, with the
/// reason.
#[utoipa::path(
    get,
    path = "/orders/changes",
    params(Parameters, StreamHeaders),
    responses(
        (status = 200, description = "A stream without an end. Each event has an `id` to resume from, its type as `event`, and this as `data`.", body = Change, content_type = "text/event-stream"),
        ReadResponses,
    )
)]
pub(crate) async fn changes(
    State(reads): State<Reads>,
    Query(parameters): Query<Parameters>,
    request: ChangesRequest,
) -> Result<Response, Problem> {
    let filter = ChangesFilter {
        aggregate_id: parameters.order_id.map(|id| id.to_string()),
        first_event: parameters.customer_id.map(String::from),
        event_type: parameters.event_type,
    };
    reads.changes.stream(request.from(parameters.from), filter).await
}
