//! One file for each command, and one that tells what became of it.

mod cancel_order;
mod change_delivery_address;
mod command;
mod place_order;

use axum::{Router, middleware::from_fn_with_state};
use service_kit::problem::page;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    forwarding::{Forwarding, forward},
    opening::Startup,
    settings::Settings,
    submission::CommandState,
};

/// What `GET /problems/{code}` says of the refusals of an order.
const REFUSALS: &str = include_str!("../../../domain/refusals.md");

/// The description that `/openapi.json` begins with.
#[derive(OpenApi)]
#[openapi(info(
    title = "Orders: commands",
    description = "Place, change and cancel orders. Every answer of a command is durable when it is given."
))]
struct Description;

/// Every command, what becomes of it, and the documentation.
pub(crate) fn router(opening: &Startup, settings: &Settings) -> Router {
    let forwarding = Forwarding::new(opening.orders(), settings.forwarding.clone());
    let commands = OpenApiRouter::new()
        .routes(routes!(place_order::place_order))
        .routes(routes!(change_delivery_address::change_delivery_address))
        .routes(routes!(cancel_order::cancel_order))
        .route_layer(from_fn_with_state(forwarding, forward))
        .with_state(CommandState { orders: opening.orders(), partitions: settings.partitions });
    let outcomes = OpenApiRouter::new().routes(routes!(command::command)).with_state(opening.outcomes());
    let (router, description) =
        OpenApiRouter::with_openapi(Description::openapi()).merge(commands).merge(outcomes).split_for_parts();
    router.merge(service_kit::docs::router(description)).merge(page::own(REFUSALS))
}
