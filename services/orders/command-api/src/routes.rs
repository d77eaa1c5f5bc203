//! One route for each command.

use command_service::{
    ChangeHeaders, ChangeResponses, CommandResult, CommandState, CreateHeaders, CreateResponses, Dispatch,
};
use orders_domain::{CancelOrder, ChangeDeliveryAddress, Command, DeliveryAddress, Order, PlaceOrder};
use service_kit::{Json, Path, problem::validate};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

/// The description that `/openapi.json` begins with.
#[derive(OpenApi)]
#[openapi(info(
    title = "Orders: commands",
    description = "Place, change and cancel orders. The events of a command are durable before it is answered."
))]
struct Description;

pub(crate) fn commands() -> OpenApiRouter<CommandState<Order>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(place_order))
        .routes(routes!(change_delivery_address))
        .routes(routes!(cancel_order))
}

/// Place an order.
#[utoipa::path(
    post,
    path = "/orders",
    params(CreateHeaders),
    request_body = PlaceOrder,
    responses(CreateResponses<Order>)
)]
async fn place_order(dispatch: Dispatch<Order>, Json(order): Json<PlaceOrder>) -> CommandResult {
    dispatch.create(order.order_id, Command::PlaceOrder(order)).await
}

/// Have an order delivered elsewhere. The address that it has already is no change: 200 without an event.
#[utoipa::path(
    post,
    path = "/orders/{order_id}/delivery-address",
    params(("order_id" = Uuid, Path, description = "Which order."), ChangeHeaders),
    request_body = DeliveryAddress,
    responses(ChangeResponses<Order>)
)]
async fn change_delivery_address(
    dispatch: Dispatch<Order>,
    Path(order_id): Path<Uuid>,
    Json(address): Json<DeliveryAddress>,
) -> CommandResult {
    // Validated here, so that pointers to invalid fields start at the body, not at the command.
    let delivery_address = validate(address)?.into_inner();
    let command = Command::ChangeDeliveryAddress(ChangeDeliveryAddress { delivery_address });
    dispatch.change(order_id, command).await
}

/// Cancel an order.
#[utoipa::path(
    post,
    path = "/orders/{order_id}/cancel",
    params(("order_id" = Uuid, Path, description = "Which order."), ChangeHeaders),
    request_body = CancelOrder,
    responses(ChangeResponses<Order>)
)]
async fn cancel_order(
    dispatch: Dispatch<Order>,
    Path(order_id): Path<Uuid>,
    Json(cancel): Json<CancelOrder>,
) -> CommandResult {
    dispatch.change(order_id, Command::CancelOrder(cancel)).await
}
