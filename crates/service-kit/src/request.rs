//! The context of a request: who sent it, and which conversation it is part of. Every response carries the request id.

use std::sync::Arc;

use aggregate::Metadata;
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, request::Parts},
    response::Response,
};
use uuid::Uuid;

use crate::{Problem, problem::kinds, traceparent};

/// Identifies one request in the response, in the log, and as `instance` of a problem.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Identifies the conversation that the request is part of.
pub const X_CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
/// Identifies the trace that the request is part of (W3C Trace Context).
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// In a query, the position that the response must reflect; in a response, the position that it reflects.
pub const CONSISTENCY_TOKEN: HeaderName = HeaderName::from_static("consistency-token");

/// The maximum length of an id from a client, in characters.
const MAX_ID_LENGTH: usize = 128;

tokio::task_local! {
    static CURRENT: RequestContext;
}

/// The metadata of a request. As an extractor it requires the layers of [`crate::http`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestContext {
    /// The client's `X-Request-Id`, or a new UUID (version 7).
    pub request_id: Arc<str>,
    /// The client's `X-Correlation-Id`, or the request id.
    pub correlation_id: Arc<str>,
    /// What caused the commands of this request: the request itself.
    pub causation_id: Arc<str>,
    /// Who sent the request. There is no authentication yet, so it is always `anonymous`.
    pub actor: Arc<str>,
    /// The client's `traceparent`, or a new one.
    pub traceparent: Arc<str>,
}

impl RequestContext {
    /// The context of the request that the current task handles.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Self::clone).ok()
    }

    /// The metadata of a command that this request sends.
    pub fn metadata(&self, command_id: Uuid) -> Metadata {
        Metadata {
            command_id,
            correlation_id: self.correlation_id.clone(),
            causation_id: self.causation_id.clone(),
            actor: self.actor.clone(),
            traceparent: self.traceparent.clone(),
        }
    }

    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let request_id = id(headers, &X_REQUEST_ID).unwrap_or_else(new_id);
        Self {
            correlation_id: id(headers, &X_CORRELATION_ID).unwrap_or_else(|| request_id.clone()),
            causation_id: request_id.clone(),
            actor: "anonymous".into(),
            traceparent: text(headers, &TRACEPARENT)
                .filter(|text| traceparent::is_valid(text))
                .map_or_else(|| traceparent::begin().into(), Arc::from),
            request_id,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::current().ok_or(Problem::new(kinds::INTERNAL))
    }
}

/// Sets the context of a request while it is handled, and adds the request id to the response.
pub(crate) async fn identify(context: RequestContext, handled: impl Future<Output = Response>) -> Response {
    let request_id = HeaderValue::from_str(&context.request_id);
    let mut response = CURRENT.scope(context, handled).await;
    if let Ok(request_id) = request_id {
        response.headers_mut().insert(X_REQUEST_ID, request_id);
    }
    response
}

fn new_id() -> Arc<str> {
    (&*Uuid::now_v7().as_hyphenated().encode_lower(&mut Uuid::encode_buffer())).into()
}

/// An id from a client is written to logs and to Kafka, so only a limited number of visible ASCII characters is
/// accepted.
fn id(headers: &HeaderMap, name: &HeaderName) -> Option<Arc<str>> {
    let id = text(headers, name)?;
    let is_valid = (1..=MAX_ID_LENGTH).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    is_valid.then(|| id.into())
}

/// The value of a header, unless it is repeated. A request that repeats such a header is refused later, under a new
/// request id.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut lines = headers.get_all(name).iter();
    lines.next().filter(|_| lines.next().is_none())?.to_str().ok()
}
