//! The parts of the `OpenAPI` description that repeat from query to query.

use service_kit::problem::ProblemDocument;
use utoipa::{IntoParams, IntoResponses};

/// The headers of every query.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "the fields are described, not read")]
pub struct ReadHeaders {
    /// What the answer must have seen, as in `orders.events/2@1042`; several with commas, of any topics.
    #[param(rename = "Consistency-Token")]
    consistency_token: Option<String>,
    /// `wait=5`: how many seconds to wait for the token; `handling=lenient`: answer with what there is if it does not
    /// come in time; `handling=strict`: refuse positions of topics that the answer is not made of.
    #[param(rename = "Prefer")]
    prefer: Option<String>,
}

/// The headers of queries for one document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "the fields are described, not read")]
pub struct ConditionalHeaders {
    /// The `ETag` of the version that the caller has, as in `"1"`.
    #[param(rename = "If-None-Match")]
    if_none_match: Option<String>,
}

/// The headers of a change stream.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "the fields are described, not read")]
pub struct StreamHeaders {
    /// The `id` of the last event that was received; browsers send it by themselves.
    #[param(rename = "Last-Event-ID")]
    last_event_id: Option<String>,
}

/// The answers to queries beside 200.
#[derive(IntoResponses)]
pub enum ReadResponses {
    /// The request is wrong, or what it asks for does not exist.
    #[response(status = "4XX", content_type = "application/problem+json")]
    Refused(#[to_schema] ProblemDocument),
    /// `not-yet-visible` or `not-ready`; `Retry-After` says when to try again.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(#[to_schema] ProblemDocument),
}

/// The further answers to queries for one document.
#[derive(IntoResponses)]
pub enum DocumentResponses {
    /// The caller has this version.
    #[response(status = 304)]
    NotModified,
    /// An event is missing in the journal, so an earlier state is unknown.
    #[response(status = 500, content_type = "application/problem+json")]
    HistoryIncomplete(#[to_schema] ProblemDocument),
}
