//! The problems that the platform itself knows. Rules of the business bring their own codes.

use axum::http::StatusCode;

/// A kind of problem: a stable code, and the status that goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProblemKind {
    /// Kebab case; what clients match on, and the heading of its paragraph in `docs/problems.md`.
    pub code: &'static str,
    /// The status of the answer.
    pub status: StatusCode,
}

impl ProblemKind {
    /// A kind of problem.
    pub const fn new(code: &'static str, status: StatusCode) -> Self {
        Self { code, status }
    }
}

/// The body is not JSON.
pub const MALFORMED_JSON: ProblemKind = ProblemKind::new("malformed-json", StatusCode::BAD_REQUEST);
/// The body is JSON, but a field is missing, unknown or of another type.
pub const INVALID_BODY: ProblemKind = ProblemKind::new("invalid-body", StatusCode::BAD_REQUEST);
/// A record of the commands topic is no command.
pub const MALFORMED_COMMAND: ProblemKind = ProblemKind::new("malformed-command", StatusCode::BAD_REQUEST);
/// The body broke off before its end.
pub const INCOMPLETE_BODY: ProblemKind = ProblemKind::new("incomplete-body", StatusCode::BAD_REQUEST);
/// A part of the path does not have the form it must have.
pub const INVALID_PATH_PARAMETER: ProblemKind =
    ProblemKind::new("invalid-path-parameter", StatusCode::BAD_REQUEST);
/// A query parameter is missing, unknown or does not have the form it must have.
pub const INVALID_QUERY_PARAMETER: ProblemKind =
    ProblemKind::new("invalid-query-parameter", StatusCode::BAD_REQUEST);
/// A header does not have the form it must have.
pub const INVALID_HEADER: ProblemKind = ProblemKind::new("invalid-header", StatusCode::BAD_REQUEST);
/// The cursor of a list was not made by this service.
pub const INVALID_CURSOR: ProblemKind = ProblemKind::new("invalid-cursor", StatusCode::BAD_REQUEST);
/// The consistency token was not made by this service.
pub const INVALID_CONSISTENCY_TOKEN: ProblemKind =
    ProblemKind::new("invalid-consistency-token", StatusCode::BAD_REQUEST);
/// There is nothing at this path.
pub const NOT_FOUND: ProblemKind = ProblemKind::new("not-found", StatusCode::NOT_FOUND);
/// The path is right, the method is not; `Allow` says which are.
pub const METHOD_NOT_ALLOWED: ProblemKind =
    ProblemKind::new("method-not-allowed", StatusCode::METHOD_NOT_ALLOWED);
/// The body did not arrive in time.
pub const REQUEST_TIMEOUT: ProblemKind = ProblemKind::new("request-timeout", StatusCode::REQUEST_TIMEOUT);
/// `If-Match` or `If-None-Match` does not hold; `current_version` says what is.
pub const VERSION_MISMATCH: ProblemKind =
    ProblemKind::new("version-mismatch", StatusCode::PRECONDITION_FAILED);
/// The body is larger than the limit.
pub const PAYLOAD_TOO_LARGE: ProblemKind =
    ProblemKind::new("payload-too-large", StatusCode::PAYLOAD_TOO_LARGE);
/// The body is not announced as `application/json`.
pub const UNSUPPORTED_MEDIA_TYPE: ProblemKind =
    ProblemKind::new("unsupported-media-type", StatusCode::UNSUPPORTED_MEDIA_TYPE);
/// The idempotency key was used with another request.
pub const IDEMPOTENCY_KEY_REUSED: ProblemKind =
    ProblemKind::new("idempotency-key-reused", StatusCode::UNPROCESSABLE_ENTITY);
/// The headers are larger than the limit.
pub const HEADERS_TOO_LARGE: ProblemKind =
    ProblemKind::new("headers-too-large", StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
/// A failure of the service itself.
pub const INTERNAL: ProblemKind = ProblemKind::new("internal", StatusCode::INTERNAL_SERVER_ERROR);
/// More is asked than can be done now; nothing was done.
pub const OVERLOADED: ProblemKind = ProblemKind::new("overloaded", StatusCode::SERVICE_UNAVAILABLE);
/// A part that is needed is not ready; nothing was done.
pub const NOT_READY: ProblemKind = ProblemKind::new("not-ready", StatusCode::SERVICE_UNAVAILABLE);
/// The answer to a question took longer than the limit.
pub const TIMED_OUT: ProblemKind = ProblemKind::new("timed-out", StatusCode::SERVICE_UNAVAILABLE);
/// Whether the command was carried out is not known; a retry with the same key is safe.
pub const OUTCOME_UNKNOWN: ProblemKind = ProblemKind::new("outcome-unknown", StatusCode::SERVICE_UNAVAILABLE);
/// The read model has not reached the consistency token in time.
pub const NOT_YET_VISIBLE: ProblemKind = ProblemKind::new("not-yet-visible", StatusCode::SERVICE_UNAVAILABLE);

/// All of them, in the order of `docs/problems.md`.
pub const ALL: [ProblemKind; 23] = [
    MALFORMED_JSON,
    INVALID_BODY,
    MALFORMED_COMMAND,
    INCOMPLETE_BODY,
    INVALID_PATH_PARAMETER,
    INVALID_QUERY_PARAMETER,
    INVALID_HEADER,
    INVALID_CURSOR,
    INVALID_CONSISTENCY_TOKEN,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    REQUEST_TIMEOUT,
    VERSION_MISMATCH,
    PAYLOAD_TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    IDEMPOTENCY_KEY_REUSED,
    HEADERS_TOO_LARGE,
    INTERNAL,
    OVERLOADED,
    NOT_READY,
    TIMED_OUT,
    OUTCOME_UNKNOWN,
    NOT_YET_VISIBLE,
];
