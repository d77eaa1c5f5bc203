//! The admin port: liveness, readiness and metrics, separate from the traffic of the service.

use std::{io, net::SocketAddr, time::Duration};

use axum::{
    Json, Router, http::StatusCode, http::header::CONTENT_TYPE, response::IntoResponse, routing::get,
};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;
use tokio::{net::TcpListener, time::interval};
use tokio_util::sync::CancellationToken;

use crate::{
    health::Health,
    http::{self, Limits},
    settings::Environment,
};

const ADDRESS: &str = "FOLDLINE_ADMIN_ADDRESS";

/// How often the samples of histograms are added to their buckets. Otherwise they would accumulate between two scrapes.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// The address of the admin port.
#[derive(Debug, Clone)]
pub struct AdminSettings {
    /// `FOLDLINE_ADMIN_ADDRESS` (each service has its own default).
    pub address: SocketAddr,
}

impl AdminSettings {
    /// Reads the settings.
    pub fn read(environment: &mut Environment, default_address: &str) -> Self {
        Self { address: environment.get(ADDRESS, default_address) }
    }

    /// Binds the address; the error names the variable.
    pub async fn listen(&self) -> io::Result<TcpListener> {
        http::listen(ADDRESS, self.address).await
    }
}

/// Serves `/health/live`, `/health/ready` and `/metrics` until the process exits, even while it drains.
pub async fn serve(listener: TcpListener, health: Health, metrics: PrometheusHandle) {
    let (router, limits) = (router(health, metrics.clone()), Limits::default());
    tokio::select! {
        () = http::serve(router, listener, &limits, CancellationToken::new()) => {}
        () = upkeep(metrics) => {}
    }
}

/// The routes of the admin port.
pub fn router(health: Health, metrics: PrometheusHandle) -> Router {
    Router::new()
        .route("/health/live", get(async || StatusCode::NO_CONTENT))
        .route("/health/ready", get(async move || readiness(&health)))
        .route("/metrics", get(async move || exposition(&metrics)))
}

/// Every component with its state; 503 if any is not ready.
fn readiness(health: &Health) -> impl IntoResponse + use<> {
    let ready = health.is_ready();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": ready, "parts": health.components() })))
}

fn exposition(metrics: &PrometheusHandle) -> impl IntoResponse + use<> {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.render())
}

async fn upkeep(metrics: PrometheusHandle) {
    let mut interval = interval(UPKEEP_INTERVAL);
    loop {
        interval.tick().await;
        metrics.run_upkeep();
    }
}
