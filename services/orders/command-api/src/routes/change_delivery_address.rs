use axum::response::Response;
use orders_domain::{ChangeDeliveryAddress, Command, DeliveryAddress};
use service_kit::{
    Json, Path, Problem,
    problem::{ProblemDocument, validate},
};
use uuid::Uuid;

use crate::{
    answer,
    problems::CommandFailure,
    submission::{CommandInput, Dispatch},
};

/// Have an order delivered elsewhere. The address it has already is no change: 200 without an event.
#[utoipa::path(
    post,
    path = "/orders/{order_id}/delivery-address",
    params(
        ("order_id" = Uuid, Path, description = "Which order."),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat."),
        ("If-Match" = Option<String>, Header, description = "The version that the caller knows, as in `\"1\"`."),
        ("Prefer" = Option<String>, Header, description = "`respond-async`: 202 as soon as the command is safe."),
    ),
    request_body = DeliveryAddress,
    responses(
        (status = 200, description = "The order is delivered there.", body = answer::CommandResponse),
        (status = 202, description = "The command is safe and will be decided.", body = answer::AcceptedResponse),
        (status = "4XX", description = "Nothing was written.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = "5XX", description = "See the problem's type for what is known.", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn change_delivery_address(
    submission: Dispatch,
    Path(order_id): Path<Uuid>,
    Json(address): Json<DeliveryAddress>,
) -> Result<Response, CommandFailure> {
    // Validated here, so that pointers to invalid fields start at the body, not at the command.
    let delivery_address = validate(address).map_err(Problem::from)?.into_inner();
    let command = Command::ChangeDeliveryAddress(ChangeDeliveryAddress { delivery_address });
    submission.submit(CommandInput { order_id, command }, answer::done).await
}
