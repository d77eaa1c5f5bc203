use axum::{
    extract::State,
    http::{HeaderMap, HeaderName},
    response::Response,
};
use projection::PartitionOffsets;
use serde::Deserialize;
use service_kit::{
    Problem, Query,
    problem::{ProblemDocument, kinds},
};
use utoipa::IntoParams;
use uuid::Uuid;

use crate::{
    changes::{Filter, Start, parse_event_id},
    customer_id::CustomerId,
    desk::ReadState,
    document::ChangeDocument,
    problems,
};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

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
    /// Where to begin without a `Last-Event-ID`: `now`, which is the default, at the `beginning`, or after what a
    /// consistency token has seen.
    #[param(example = "beginning")]
    from: Option<String>,
}

/// Everything that happens to orders, while it happens.
///
/// Server-sent events (HTML standard). Those of one order come in the order of their versions; across orders no order is
/// promised. A stream goes on where the last one ended if `Last-Event-ID` says so. The last event of a stream that is
/// ended by the service is `end`, and says why.
#[utoipa::path(
    get,
    path = "/orders/changes",
    params(
        Parameters,
        ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last event that was seen; browsers send it by themselves."),
    ),
    responses(
        (status = 200, description = "A stream that does not end by itself: `id` to resume at, `event` with the type, and as `data` this.", body = ChangeDocument, content_type = "text/event-stream"),
        (status = 400, description = "A parameter or `Last-Event-ID` is wrong.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not ready, or too many streams.", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn changes(
    State(desk): State<ReadState>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let start = match headers.get(&LAST_EVENT_ID) {
        Some(id) => after_event(id.to_str().unwrap_or_default(), desk.partitions)?,
        None => parameters.start(&desk)?,
    };
    desk.changes.begin(start, parameters.filter()).await
}

impl Parameters {
    fn start(&self, desk: &ReadState) -> Result<Start, Problem> {
        match self.from.as_deref() {
            None | Some("now") => Ok(Start::Now),
            Some("beginning") => Ok(Start::After(PartitionOffsets::default())),
            Some(token) => PartitionOffsets::parse(token, &desk.topic, desk.partitions)
                .map(Start::After)
                .map_err(|error| problems::invalid_token(&error)),
        }
    }

    fn filter(self) -> Filter {
        let customer_id = self.customer_id.map(String::from);
        Filter { order_id: self.order_id, customer_id, event_type: self.event_type }
    }
}

fn after_event(id: &str, partitions: i32) -> Result<Start, Problem> {
    parse_event_id(id, partitions)
        .map(Start::After)
        .map_err(|error| Problem::new(kinds::INVALID_HEADER).detail(format!("Last-Event-ID: {error}")))
}
