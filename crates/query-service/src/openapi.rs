//! The parts of the `OpenAPI` description that all queries share.

use service_kit::problem::ProblemDocument;
use utoipa::{IntoParams, IntoResponses};

/// The headers of every query.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "the fields are described, not read")]
pub struct ReadHeaders {
    /// The positions that the response must reflect, separated by commas, such as `orders.events/2@1042`. They may
    /// belong to any topics.
    #[param(rename = "Consistency-Token")]
    consistency_token: Option<String>,
    /// `wait=5`: how many seconds to wait for the token; `handling=lenient`: respond with what there is if the token is
    /// not reached in time; `handling=strict`: refuse positions of topics that the query does not read.
    #[param(rename = "Prefer")]
    prefer: Option<String>,
}

/// The headers of queries for one document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "the fields are described, not read")]
pub struct ConditionalHeaders {
    /// The `ETag` of the version that the client has, such as `"1"`.
    #[param(rename = "If-None-Match")]
    if_none_match: Option<String>,
}

/// The headers of a change stream.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "the fields are described, not read")]
pub struct StreamHeaders {
    /// The `id` of the last event that was received; browsers send it automatically.
    #[param(rename = "Last-Event-ID")]
    last_event_id: Option<String>,
}

/// The responses to queries other than 200.
#[derive(IntoResponses)]
pub enum ReadResponses {
    /// The request is invalid, or what it asks for does not exist.
    #[response(status = "4XX", content_type = "application/problem+json")]
    Refused(#[to_schema] ProblemDocument),
    /// `not-yet-visible` or `not-ready`; `Retry-After` says when to try again.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(#[to_schema] ProblemDocument),
}

/// The additional responses to queries for one document.
#[derive(IntoResponses)]
pub enum DocumentResponses {
    /// The client already has this version.
    #[response(status = 304)]
    NotModified,
    /// An event is missing from the journal, so the requested state is unknown.
    #[response(status = 500, content_type = "application/problem+json")]
    HistoryIncomplete(#[to_schema] ProblemDocument),
}
