use aggregate::Aggregate;
use axum::Router;
use orders_domain::Order;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{changes, customer_totals, order, orders, reads::Reads};

/// What `GET /problems/{code}` says of an order that is not found.
const REFUSALS: &str = include_str!("../../domain/refusals.md");

/// The head of `/openapi.json`.
#[derive(OpenApi)]
#[openapi(info(
    title = "Orders: queries",
    description = "The state and history of orders. Send the `Consistency-Token` of an earlier response to see at least that state."
))]
struct Description;

/// Every query, and its documentation.
pub(crate) fn router(reads: Reads) -> Router {
    let queries = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(changes::changes))
        .routes(routes!(order::order))
        .routes(reads.journal.history_route("/orders/{order_id}/history"))
        .routes(routes!(orders::orders))
        .routes(routes!(customer_totals::customer_totals))
        .with_state(reads);
    query_service::router(queries, &[Order::NAME], REFUSALS)
}
