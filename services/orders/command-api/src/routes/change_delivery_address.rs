use axum::response::Response;
use orders_domain::{Command, unchecked};
use service_kit::{Json, Path, Problem, problem::ProblemDocument};
use uuid::Uuid;

use super::delivery_address::DeliveryAddress;
use crate::{answer, submission::Submission};

/// Have an order delivered elsewhere. The address it has already is no change: 200 without an event.
#[utoipa::path(
    post,
    path = "/orders/{order_id}/delivery-address",
    params(
        ("order_id" = Uuid, Path, description = "Which order."),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat."),
        ("If-Match" = Option<String>, Header, description = "The version that the caller knows, as in `\"1\"`."),
    ),
    request_body = DeliveryAddress,
    responses(
        (status = 200, description = "The order is delivered there.", body = answer::Done),
        (status = "4XX", description = "Nothing was written.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = "5XX", description = "See the problem's type for what is known.", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn change_delivery_address(
    submission: Submission,
    Path(order_id): Path<Uuid>,
    Json(address): Json<DeliveryAddress>,
) -> Result<Response, Problem> {
    let wish = unchecked::DeliveryAddress::from(address.clone());
    let command = orders_domain::ChangeDeliveryAddress::try_from(wish).map(Command::ChangeDeliveryAddress);
    let accepted = submission.submit(order_id, "change-delivery-address", &address, command).await?;
    Ok(answer::done(order_id, accepted))
}
