use axum::{extract::State, response::Response};
use query_service::{
    HistoryPage, List, NoFilters, PageParameters, ReadRequest,
    openapi::{ReadHeaders, ReadResponses},
};
use service_kit::{Path, Problem};
use uuid::Uuid;

use crate::routes::Reads;

/// Everything that has happened to {{an}} {{words}}: who caused it, when, by which command, and where it is in the log.
#[utoipa::path(
    get,
    path = "/{{path}}/{{{aggregate}}_id}/history",
    params(("{{aggregate}}_id" = Uuid, Path, description = "Which {{words}}."), PageParameters, ReadHeaders),
    responses((status = 200, description = "A page.", body = HistoryPage), ReadResponses)
)]
pub(crate) async fn history(
    State(reads): State<Reads>,
    Path({{aggregate}}_id): Path<Uuid>,
    list: List<NoFilters, i64>,
    request: ReadRequest,
) -> Result<Response, Problem> {
    reads.journal.history(&request, {{aggregate}}_id, &list).await
}
