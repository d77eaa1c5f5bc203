use std::{sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request},
    http::Method,
    response::Response,
};
use tracing::Instrument;

use super::request_metrics;
use crate::request::RequestContext;

/// What the metrics and the log say of a request.
///
/// Labels have a bounded set of values: the route as declared, never the path, and `other` for an unknown method.
pub(super) struct Labels {
    method: &'static str,
    route: Option<MatchedPath>,
    request_id: Arc<str>,
}

impl Labels {
    pub(super) fn of(request: &Request, context: &RequestContext) -> Self {
        Self {
            method: method_label(request.method()),
            route: request.extensions().get().cloned(),
            request_id: Arc::clone(&context.request_id),
        }
    }

    fn route(&self) -> &str {
        self.route.as_ref().map_or("unmatched", MatchedPath::as_str)
    }
}

/// Adds a span, a log line at level `debug`, a counter and a duration to a request.
pub(super) async fn observe(labels: Labels, handled: impl Future<Output = Response>) -> Response {
    let began = Instant::now();
    let (method, route, request_id) = (labels.method, labels.route(), &*labels.request_id);
    // At level `error`, so that error messages show their request even if the filter hides everything else.
    let span = tracing::error_span!("request", request_id, method, route);
    let response = handled.instrument(span.clone()).await;
    let (status, seconds) = (response.status().as_u16(), began.elapsed().as_secs_f64());
    span.in_scope(|| tracing::debug!(status, seconds, "{method} {route} responded with {status}"));
    request_metrics::record(method, route, status, seconds);
    response
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
