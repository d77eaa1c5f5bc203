//! One file for each command.

mod cancel_order;
mod change_delivery_address;
mod delivery_address;
mod place_order;

use std::time::Duration;

use axum::Router;
use service_kit::problem::page;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{opening::Orders, submission::CommandDesk};

/// What `GET /problems/{code}` says of the refusals of an order.
const REFUSALS: &str = include_str!("../../../domain/refusals.md");

/// The description that `/openapi.json` begins with.
#[derive(OpenApi)]
#[openapi(info(
    title = "Orders: commands",
    description = "Place, change and cancel orders. Every answer of a command is durable when it is given."
))]
struct Description;

/// Every command, and its documentation.
pub(crate) fn router(orders: Orders, timeout: Duration) -> Router {
    let (router, description) = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(place_order::place_order))
        .routes(routes!(change_delivery_address::change_delivery_address))
        .routes(routes!(cancel_order::cancel_order))
        .with_state(CommandDesk { orders, timeout })
        .split_for_parts();
    router.merge(service_kit::docs::router(description)).merge(page::own(REFUSALS))
}
