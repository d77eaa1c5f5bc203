//! One file for each question.

mod changes;
mod customer_totals;
mod history;
mod limit;
mod order;
mod orders;

use axum::Router;
use service_kit::problem::page;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::desk::ReadState;

/// What `GET /problems/{code}` says of an order that is not there.
const REFUSALS: &str = include_str!("../../../domain/refusals.md");
/// What it says of the problems that only questions have.
const PROBLEMS: &str = include_str!("../../problems.md");

/// The description that `/openapi.json` begins with.
#[derive(OpenApi)]
#[openapi(info(
    title = "Orders: queries",
    description = "What has become of orders. Send the `Consistency-Token` of an earlier answer to see at least that."
))]
struct Description;

/// Every question, and its documentation.
pub(crate) fn router(desk: ReadState) -> Router {
    let (router, description) = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(changes::changes))
        .routes(routes!(order::order))
        .routes(routes!(history::history))
        .routes(routes!(orders::orders))
        .routes(routes!(customer_totals::customer_totals))
        .with_state(desk)
        .split_for_parts();
    router.merge(service_kit::docs::router(description)).merge(page::own(REFUSALS)).merge(page::own(PROBLEMS))
}
