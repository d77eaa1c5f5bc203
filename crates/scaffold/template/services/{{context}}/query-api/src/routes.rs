use aggregate::Aggregate;
use axum::Router;
use query_service::{Changes, Journal, Projection};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};
use {{context}}_domain::{{Aggregate}};

use crate::{{{aggregate}}, {{plural}}};

/// The projections that the queries read.
#[derive(Debug, Clone)]
pub(crate) struct Reads {
    /// The table `{{plural}}`.
    pub(crate) {{plural}}: Projection,
    /// History and earlier states.
    pub(crate) journal: Journal,
}

/// The start of `/openapi.json`.
#[derive(OpenApi)]
#[openapi(info(title = "{{Title}}: queries", description = "The state and history of {{plural_words}}."))]
struct Description;

/// Every query, with its documentation. The platform provides the history and the changes.
pub(crate) fn router(reads: Reads, changes: &Changes) -> Router {
    let queries = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!({{aggregate}}::{{aggregate}}))
        .routes(routes!({{plural}}::{{plural}}))
        .routes(reads.journal.history_route("/{{path}}/{{{aggregate}}_id}/history"))
        .routes(changes.route("/{{path}}/changes"))
        .with_state(reads);
    query_service::router(queries, &[{{Aggregate}}::NAME], include_str!("../../domain/refusals.md"))
}
