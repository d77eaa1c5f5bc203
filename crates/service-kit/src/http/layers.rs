use std::{any::Any, panic::AssertUnwindSafe, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, HeaderName, Method, Uri, header::CONTENT_TYPE},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;
use tokio::time::{Instant, timeout_at};

use super::{
    Limits,
    observe::{Labels, observe},
};
use crate::{
    Problem,
    problem::{self, kinds},
    request::{RequestContext, TRACEPARENT, X_CORRELATION_ID, X_REQUEST_ID, identify},
};

/// The headers that have a single value. If one is repeated (RFC 9110, section 5.3), the request is refused: using one
/// of the values would silently ignore the others. `Prefer`, `If-Match`, `If-None-Match` and `Consistency-Token` are
/// lists, and may be repeated.
const SINGLE_VALUED: [HeaderName; 6] = [
    CONTENT_TYPE,
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("last-event-id"),
    TRACEPARENT,
    X_CORRELATION_ID,
    X_REQUEST_ID,
];

/// Extension of a request: its whole body, for a handler that passes the request on.
#[derive(Debug, Clone)]
pub struct WholeBody(pub Bytes);

/// When to retry after a request that was too slow.
const RETRY_SOON: Duration = Duration::from_secs(1);

/// Adds the parts that all services share: request context, log, metrics, limits, problem documents for unknown routes
/// and methods, and a page for each problem.
pub fn platform(router: Router, limits: &Limits) -> Router {
    router
        .merge(problem::page::router())
        .fallback(async || Problem::new(kinds::NOT_FOUND))
        .method_not_allowed_fallback(async || Problem::new(kinds::METHOD_NOT_ALLOWED))
        // The layer `limit` replaces axum's own limit on bodies.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(limits.clone(), handle))
}

/// Layer: everything around the handling of a request. It is one layer, because axum clones and boxes everything below a
/// layer for each request.
async fn handle(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    let context = RequestContext::of(request.headers());
    let labels = Labels::of(&request, &context);
    let is_safe = request.method().is_safe();
    // Boxed, because each function around it would otherwise copy it, and hold it twice.
    let handled = Box::pin(limit(&limits, request, next));
    let handled = respond_to_panic(is_safe, handled);
    identify(context, observe(labels, handled)).await
}

/// Reads the whole body within the limits, so that no handler acts on an incomplete request.
async fn limit(limits: &Limits, request: Request, next: Next) -> Result<Response, Problem> {
    let (method, deadline) = (request.method().clone(), Instant::now() + limits.request_timeout);
    if head_bytes(request.method(), request.uri(), request.headers()) > limits.max_header_bytes.get() {
        return Err(headers_too_large(limits));
    }
    refuse_repeated(request.headers())?;
    let request = timeout_at(deadline, with_whole_body(request, limits)).await.map_err(|_| {
        Problem::new(kinds::REQUEST_TIMEOUT)
            .detail(format!("the body took longer than {:?}", limits.request_timeout))
    })??;
    timeout_at(deadline, next.run(request)).await.map_err(|_| too_slow(&method, limits))
}

async fn with_whole_body(request: Request, limits: &Limits) -> Result<Request, Problem> {
    let (mut parts, body) = request.into_parts();
    let max_body_bytes = limits.max_body_bytes.get();
    let too_large = || {
        Problem::new(kinds::PAYLOAD_TOO_LARGE)
            .detail(format!("the body is larger than {max_body_bytes} bytes"))
    };
    if body.size_hint().lower() > max_body_bytes as u64 {
        return Err(too_large());
    }
    match Limited::new(body, max_body_bytes).collect().await {
        Ok(body) => {
            let body = body.to_bytes();
            parts.extensions.insert(WholeBody(body.clone()));
            Ok(Request::from_parts(parts, Body::from(body)))
        }
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(Problem::new(kinds::INCOMPLETE_BODY)),
    }
}

/// A query can simply be repeated; the outcome of a command is unknown.
fn too_slow(method: &Method, limits: &Limits) -> Problem {
    let limit = limits.request_timeout;
    let problem = if method.is_safe() {
        Problem::new(kinds::TIMED_OUT).detail(format!("there was no response within {limit:?}"))
    } else {
        Problem::new(kinds::OUTCOME_UNKNOWN).detail(format!(
            "there was no response within {limit:?}; repeat the request with the same idempotency key"
        ))
    };
    problem.retry_after(RETRY_SOON)
}

fn headers_too_large(limits: &Limits) -> Problem {
    let limit = limits.max_header_bytes;
    Problem::new(kinds::HEADERS_TOO_LARGE).detail(format!("the headers are larger than {limit} bytes"))
}

fn refuse_repeated(headers: &HeaderMap) -> Result<(), Problem> {
    match SINGLE_VALUED.iter().find(|name| headers.get_all(*name).iter().nth(1).is_some()) {
        None => Ok(()),
        Some(name) => {
            Err(Problem::new(kinds::INVALID_HEADER).detail(format!("{name}: given more than once")))
        }
    }
}

/// The approximate size in HTTP/1.1: the request line, then `name: value` and a line break for each header.
fn head_bytes(method: &Method, uri: &Uri, headers: &HeaderMap) -> usize {
    let request_line = method.as_str().len() + uri.path().len() + uri.query().map_or(0, str::len);
    headers.iter().fold(request_line, |sum, (name, value)| sum + name.as_str().len() + value.len() + 4)
}

/// Responds to a request whose handler panics; without it, the connection would be closed without a response.
async fn respond_to_panic(
    is_safe: bool,
    handled: impl Future<Output = Result<Response, Problem>>,
) -> Response {
    match AssertUnwindSafe(handled).catch_unwind().await {
        Ok(response) => response.into_response(),
        Err(panic) => panicked(&*panic, is_safe).into_response(),
    }
}

/// A command may have been executed before the panic, so it must not be reported as failed.
fn panicked(panic: &(dyn Any + Send), is_safe: bool) -> Problem {
    let message = panic.downcast_ref::<&str>().copied();
    let message = message.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    // The panic hook has also logged it, but without the request id.
    tracing::error!(panic = message, "a request panicked");
    if is_safe {
        Problem::new(kinds::INTERNAL)
    } else {
        Problem::new(kinds::OUTCOME_UNKNOWN).retry_after(RETRY_SOON)
    }
}
