use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    http::Method,
    middleware::Next,
    response::Response,
};
use tracing::Instrument;

use crate::request::RequestContext;

/// Layer: a span, a log line at level `debug`, a counter and a duration for each request.
///
/// Labels have a bounded set of values: the route as declared, never the path, and `other` for an unknown method.
pub(super) async fn observe(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = method_label(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let request_id = RequestContext::current().map(|context| context.request_id).unwrap_or_default();
    // At level `error`, so that error messages show their request even if the filter hides everything else.
    let span = tracing::error_span!("request", request_id, method, route);
    let response = next.run(request).instrument(span.clone()).await;
    let (status, seconds) = (response.status().as_u16(), began.elapsed().as_secs_f64());
    span.in_scope(|| tracing::debug!(status, seconds, "{method} {route} responded with {status}"));
    count(method, route, status, seconds);
    response
}

fn count(method: &'static str, route: String, status: u16, seconds: f64) {
    let labels = [("method", method.to_owned()), ("route", route), ("status", status.to_string())];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_seconds", &labels).record(seconds);
}

fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
