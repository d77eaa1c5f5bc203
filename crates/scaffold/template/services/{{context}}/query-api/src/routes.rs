use aggregate::Aggregate;
use axum::Router;
use query_service::{Changes, Journal, Projection, docs};
use service_kit::problem::page;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};
use {{context}}_domain::{{Aggregate}};

use crate::{changes, history, {{aggregate}}, {{plural}}};

/// The projections that the queries read.
#[derive(Debug, Clone)]
pub(crate) struct Reads {
    /// The table `{{plural}}`.
    pub(crate) {{plural}}: Projection,
    /// History and earlier states.
    pub(crate) journal: Journal,
    /// Events as they happen.
    pub(crate) changes: Changes,
}

/// The head of `/openapi.json`.
#[derive(OpenApi)]
#[openapi(info(title = "{{Title}}: queries", description = "The state and history of {{plural_words}}."))]
struct Description;

/// Every query, and its documentation.
pub(crate) fn router(reads: Reads) -> Router {
    let (router, description) = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(changes::changes))
        .routes(routes!({{aggregate}}::{{aggregate}}))
        .routes(routes!(history::history))
        .routes(routes!({{plural}}::{{plural}}))
        .with_state(reads)
        .split_for_parts();
    router
        .merge(docs(description, {{Aggregate}}::NAME))
        .merge(page::own(include_str!("../../domain/refusals.md")))
}
