use axum::{extract::State, response::Response};
use query_service::{
    HistoryPage, List, NoFilters, PageParameters, ReadRequest,
    openapi::{ReadHeaders, ReadResponses},
};
use service_kit::{Path, Problem};
use uuid::Uuid;

use crate::reads::Reads;

/// Everything that has happened to an order, from the first event to the last: who caused it, when, by which command,
/// and where it is in the log.
///
/// It holds personal data, also such that the order itself no longer shows: earlier addresses, and who asked for what.
/// Versions follow each other without a gap; if one is missing, its event was dropped by an operator.
#[utoipa::path(
    get,
    path = "/orders/{order_id}/history",
    params(("order_id" = Uuid, Path, description = "Which order."), PageParameters, ReadHeaders),
    responses(
        (status = 200, description = "A page. `Link` leads to the next one; `Consistency-Token` says how far the answer has seen the log.", body = HistoryPage),
        ReadResponses,
    )
)]
pub(crate) async fn history(
    State(reads): State<Reads>,
    Path(order_id): Path<Uuid>,
    list: List<NoFilters, i64>,
    request: ReadRequest,
) -> Result<Response, Problem> {
    reads.journal.history(&request, order_id, &list).await
}
