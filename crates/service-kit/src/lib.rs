//! The parts that every service shares: settings, telemetry, HTTP server, problem documents, health, shutdown.
//!
//! This crate must not contain anything specific to one context. A service combines the parts in a short `main`:
//!
//! ```no_run
//! use service_kit::{Start, http::{self, HttpSettings}, start};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let Start { settings, health, shutdown } =
//!         start("127.0.0.1:9101", |env| HttpSettings::read(env, "127.0.0.1:8101")).await?;
//!
//!     let engine = health.component("engine");
//!     let router = axum::Router::new(); // the service's own routes and state
//!     engine.ready();
//!
//!     http::serve(router, settings.listen().await?, &settings.limits, shutdown).await;
//!     Ok(())
//! }
//! ```

pub mod admin;
pub mod conditional;
mod deserialize;
pub mod docs;
pub mod health;
pub mod http;
pub mod json;
pub mod parameters;
pub mod prefer;
pub mod problem;
pub mod request;
pub mod settings;
pub mod shutdown;
mod start;
pub mod telemetry;
mod traceparent;

use mimalloc::MiMalloc;

pub use json::Json;
pub use parameters::{Path, Query};
pub use problem::Problem;
pub use request::RequestContext;
pub use start::{Start, StartError, start};

/// The allocator of every service. Requests are allocated on one thread and freed on another, which the system's
/// allocator is slow at.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;
