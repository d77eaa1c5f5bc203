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

/// Which changes, and from where on.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// Only those of this order.
    order_id: Option<Uuid>,
    /// Only those of orders of this customer.
    #[param(value_type = Option<String>, example = "c-1001")]
    customer_id: Option<CustomerId>,
    /// Only those of this type.
    #[serde(rename = "type")]
    #[param(example = "OrderPlaced")]
    event_type: Option<String>,
    /// Where to begin without a `Last-Event-ID`: `now`, which is the default, at the `beginning`, or after the position
    /// of a consistency token.
    #[param(example = "beginning")]
    from: Option<String>,
}

/// Everything that happens to orders, as it happens.
///
/// Server-sent events (HTML standard). Those of one order come in the order of their versions; across orders there is no
/// order. A stream goes on where the last one ended if `Last-Event-ID` says so. If the service ends a stream, the last
/// event is `end`, with the reason.
#[utoipa::path(
    get,
    path = "/orders/changes",
    params(Parameters, StreamHeaders),
    responses(
        (status = 200, description = "A stream that does not end by itself: `id` to resume at, `event` with the type, and as `data` this.", body = Change, content_type = "text/event-stream"),
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
