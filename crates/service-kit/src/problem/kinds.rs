//! The problems of the platform. Refusals by business rules have their own codes.

use axum::http::StatusCode;

/// A kind of problem: a stable code and a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProblemKind {
    /// The code that clients match on, in kebab case. It is also the heading of its section in `docs/problems.md`.
    pub code: &'static str,
    /// The status of the response.
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
/// The body is JSON, but a field is missing, unknown, repeated or of the wrong type.
pub const INVALID_BODY: ProblemKind = ProblemKind::new("invalid-body", StatusCode::BAD_REQUEST);
/// A record of the commands topic cannot be decoded as a command.
pub const MALFORMED_COMMAND: ProblemKind = ProblemKind::new("malformed-command", StatusCode::BAD_REQUEST);
/// The body ended before its announced length.
pub const INCOMPLETE_BODY: ProblemKind = ProblemKind::new("incomplete-body", StatusCode::BAD_REQUEST);
/// A path parameter is malformed.
pub const INVALID_PATH_PARAMETER: ProblemKind =
    ProblemKind::new("invalid-path-parameter", StatusCode::BAD_REQUEST);
/// A query parameter is missing, unknown or malformed.
pub const INVALID_QUERY_PARAMETER: ProblemKind =
    ProblemKind::new("invalid-query-parameter", StatusCode::BAD_REQUEST);
/// A header is malformed, or repeated although it may be given only once.
pub const INVALID_HEADER: ProblemKind = ProblemKind::new("invalid-header", StatusCode::BAD_REQUEST);
/// The cursor of a list was not issued by this service.
pub const INVALID_CURSOR: ProblemKind = ProblemKind::new("invalid-cursor", StatusCode::BAD_REQUEST);
/// The consistency token was not issued by this system.
pub const INVALID_CONSISTENCY_TOKEN: ProblemKind =
    ProblemKind::new("invalid-consistency-token", StatusCode::BAD_REQUEST);
/// There is nothing at this path.
pub const NOT_FOUND: ProblemKind = ProblemKind::new("not-found", StatusCode::NOT_FOUND);
/// The path exists, but not with this method; `Allow` lists the methods it has.
pub const METHOD_NOT_ALLOWED: ProblemKind =
    ProblemKind::new("method-not-allowed", StatusCode::METHOD_NOT_ALLOWED);
/// The body did not arrive in time.
pub const REQUEST_TIMEOUT: ProblemKind = ProblemKind::new("request-timeout", StatusCode::REQUEST_TIMEOUT);
/// `If-Match` or `If-None-Match` does not hold; `current_version` is the actual version.
pub const VERSION_MISMATCH: ProblemKind =
    ProblemKind::new("version-mismatch", StatusCode::PRECONDITION_FAILED);
/// The body is larger than the limit.
pub const PAYLOAD_TOO_LARGE: ProblemKind =
    ProblemKind::new("payload-too-large", StatusCode::PAYLOAD_TOO_LARGE);
/// The content type of the body is not `application/json`, or it has a content coding.
pub const UNSUPPORTED_MEDIA_TYPE: ProblemKind =
    ProblemKind::new("unsupported-media-type", StatusCode::UNSUPPORTED_MEDIA_TYPE);
/// Values are not allowed; `errors` has a pointer to each.
pub const INVALID_VALUES: ProblemKind = ProblemKind::new("invalid-values", StatusCode::UNPROCESSABLE_ENTITY);
/// The idempotency key was used with another request.
pub const IDEMPOTENCY_KEY_REUSED: ProblemKind =
    ProblemKind::new("idempotency-key-reused", StatusCode::UNPROCESSABLE_ENTITY);
/// An event of the command would be larger than a record of the log may be; nothing was written.
pub const EVENT_TOO_LARGE: ProblemKind =
    ProblemKind::new("event-too-large", StatusCode::UNPROCESSABLE_ENTITY);
/// The headers are larger than the limit.
pub const HEADERS_TOO_LARGE: ProblemKind =
    ProblemKind::new("headers-too-large", StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
/// The service failed; a command was not executed.
pub const INTERNAL: ProblemKind = ProblemKind::new("internal", StatusCode::INTERNAL_SERVER_ERROR);
/// The service has too much work to accept more; nothing was done.
pub const OVERLOADED: ProblemKind = ProblemKind::new("overloaded", StatusCode::SERVICE_UNAVAILABLE);
/// Something that the request needs is not ready; nothing was done.
pub const NOT_READY: ProblemKind = ProblemKind::new("not-ready", StatusCode::SERVICE_UNAVAILABLE);
/// A query took too long, or a command waited too long in its queue; nothing was done.
pub const TIMED_OUT: ProblemKind = ProblemKind::new("timed-out", StatusCode::SERVICE_UNAVAILABLE);
/// The outcome of the command is unknown; repeating it with the same key is safe.
pub const OUTCOME_UNKNOWN: ProblemKind = ProblemKind::new("outcome-unknown", StatusCode::SERVICE_UNAVAILABLE);
/// The read model did not reach the consistency token in time.
pub const NOT_YET_VISIBLE: ProblemKind = ProblemKind::new("not-yet-visible", StatusCode::SERVICE_UNAVAILABLE);

/// All kinds, in the order of `docs/problems.md`.
pub const ALL: [ProblemKind; 25] = [
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
    INVALID_VALUES,
    IDEMPOTENCY_KEY_REUSED,
    EVENT_TOO_LARGE,
    HEADERS_TOO_LARGE,
    INTERNAL,
    OVERLOADED,
    NOT_READY,
    TIMED_OUT,
    OUTCOME_UNKNOWN,
    NOT_YET_VISIBLE,
];
