use std::{any::Any, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, Method, Uri},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;
use tokio::time::{Instant, timeout_at};
use tower_http::catch_panic::CatchPanicLayer;

use super::{Limits, observe::observe};
use crate::{
    Problem,
    problem::{self, kinds},
    request::identify,
};

/// When to try again after a request that was too slow.
const RETRY_SOON: Duration = Duration::from_secs(1);

/// The router with everything that is the same for every service: request context, log, metrics, limits,
/// problem documents for what no route answers, and a page for each problem.
pub fn platform(router: Router, limits: &Limits) -> Router {
    router
        .merge(problem::page::router())
        .fallback(async || Problem::new(kinds::NOT_FOUND))
        .method_not_allowed_fallback(async || Problem::new(kinds::METHOD_NOT_ALLOWED))
        // axum has a limit of its own on bodies; ours is the one that counts.
        .layer(DefaultBodyLimit::disable())
        // The last layer is the outermost.
        .layer(from_fn_with_state(limits.clone(), limit))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(observe))
        .layer(from_fn(identify))
}

/// Layer: reads the body to its end within the limits, so that nothing is decided on half a request.
async fn limit(State(limits): State<Limits>, request: Request, next: Next) -> Result<Response, Problem> {
    let (method, deadline) = (request.method().clone(), Instant::now() + limits.request_timeout);
    if head_bytes(request.method(), request.uri(), request.headers()) > limits.max_header_bytes.get() {
        return Err(headers_too_large(&limits));
    }
    let request = timeout_at(deadline, with_whole_body(request, &limits)).await.map_err(|_| {
        Problem::new(kinds::REQUEST_TIMEOUT)
            .detail(format!("the body took longer than {:?}", limits.request_timeout))
    })??;
    timeout_at(deadline, next.run(request)).await.map_err(|_| too_slow(&method, &limits))
}

async fn with_whole_body(request: Request, limits: &Limits) -> Result<Request, Problem> {
    let (parts, body) = request.into_parts();
    let max_body_bytes = limits.max_body_bytes.get();
    let too_large = || {
        Problem::new(kinds::PAYLOAD_TOO_LARGE)
            .detail(format!("the body is larger than {max_body_bytes} bytes"))
    };
    if body.size_hint().lower() > max_body_bytes as u64 {
        return Err(too_large());
    }
    match Limited::new(body, max_body_bytes).collect().await {
        Ok(body) => Ok(Request::from_parts(parts, Body::from(body.to_bytes()))),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(Problem::new(kinds::INCOMPLETE_BODY)),
    }
}

/// A question may simply be asked again; of a command nobody knows whether it was carried out.
fn too_slow(method: &Method, limits: &Limits) -> Problem {
    let limit = limits.request_timeout;
    let problem = if method.is_safe() {
        Problem::new(kinds::TIMED_OUT).detail(format!("there was no answer within {limit:?}"))
    } else {
        Problem::new(kinds::OUTCOME_UNKNOWN).detail(format!(
            "there was no answer within {limit:?}; repeat the request with the same idempotency key"
        ))
    };
    problem.retry_after(RETRY_SOON)
}

fn headers_too_large(limits: &Limits) -> Problem {
    let limit = limits.max_header_bytes;
    Problem::new(kinds::HEADERS_TOO_LARGE).detail(format!("the headers are larger than {limit} bytes"))
}

/// As they were on the wire in HTTP/1.1, near enough: request line, then `name: value` and a line's end.
fn head_bytes(method: &Method, uri: &Uri, headers: &HeaderMap) -> usize {
    let request_line = method.as_str().len() + uri.path().len() + uri.query().map_or(0, str::len);
    headers.iter().fold(request_line, |sum, (name, value)| sum + name.as_str().len() + value.len() + 4)
}

/// Logged with the request id, which the line of the panic hook lacks.
#[expect(clippy::needless_pass_by_value, reason = "the signature is tower-http's")]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let message =
        panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = message, "a request panicked");
    Problem::new(kinds::INTERNAL).into_response()
}
