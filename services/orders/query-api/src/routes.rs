use aggregate::Aggregate;
use axum::Router;
use orders_domain::Order;
use service_kit::problem::page;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{changes, customer_totals, history, order, orders, reads::Reads};

/// What `GET /problems/{code}` says of an order that is not found.
const REFUSALS: &str = include_str!("../../domain/refusals.md");

/// The head of `/openapi.json`.
#[derive(OpenApi)]
#[openapi(info(
    title = "Orders: queries",
    description = "The state and history of orders. Send the `Consistency-Token` of an earlier answer to see at least that."
))]
struct Description;

/// Every query, and its documentation.
pub(crate) fn router(reads: Reads) -> Router {
    let (router, description) = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(changes::changes))
        .routes(routes!(order::order))
        .routes(routes!(history::history))
        .routes(routes!(orders::orders))
        .routes(routes!(customer_totals::customer_totals))
        .with_state(reads)
        .split_for_parts();
    router.merge(query_service::docs(description, Order::NAME)).merge(page::own(REFUSALS))
}
