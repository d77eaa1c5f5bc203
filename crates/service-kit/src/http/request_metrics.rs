//! The metrics of requests, for Prometheus.

use std::{
    collections::HashMap,
    sync::{LazyLock, PoisonError, RwLock},
};

use metrics::{Counter, Histogram, counter, histogram};

/// The metrics of requests with the same labels.
#[derive(Clone)]
struct RequestMetrics {
    count: Counter,
    seconds: Histogram,
}

/// The metrics by route. The recorder finds a metric by a key of owned labels, which would cost a dozen allocations for
/// each request.
static KNOWN: LazyLock<RwLock<HashMap<String, ByStatus>>> = LazyLock::new(RwLock::default);

/// The metrics of one route, by method and status.
type ByStatus = HashMap<(&'static str, u16), RequestMetrics>;

/// Counts a request and records its duration.
pub(super) fn record(method: &'static str, route: &str, status: u16, seconds: f64) {
    let RequestMetrics { count, seconds: histogram } =
        known(method, route, status).unwrap_or_else(|| register(method, route, status));
    count.increment(1);
    histogram.record(seconds);
}

fn known(method: &'static str, route: &str, status: u16) -> Option<RequestMetrics> {
    KNOWN.read().unwrap_or_else(PoisonError::into_inner).get(route)?.get(&(method, status)).cloned()
}

fn register(method: &'static str, route: &str, status: u16) -> RequestMetrics {
    let labels = [("method", method.to_owned()), ("route", route.to_owned()), ("status", status.to_string())];
    let registered = RequestMetrics {
        count: counter!("http_requests_total", &labels),
        seconds: histogram!("http_request_seconds", &labels),
    };
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    known.entry(route.to_owned()).or_default().insert((method, status), registered.clone());
    registered
}
