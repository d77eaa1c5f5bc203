use axum::response::Response;
use orders_domain::{CancelOrder, Command};
use service_kit::{Json, Path, problem::ProblemDocument};
use uuid::Uuid;

use crate::{
    answer,
    problems::CommandFailure,
    submission::{CommandInput, Dispatch},
};

/// Cancel an order.
#[utoipa::path(
    post,
    path = "/orders/{order_id}/cancel",
    params(
        ("order_id" = Uuid, Path, description = "Which order."),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat."),
        ("If-Match" = Option<String>, Header, description = "The version that the caller knows, as in `\"1\"`."),
        ("Prefer" = Option<String>, Header, description = "`respond-async`: 202 as soon as the command is safe."),
    ),
    request_body = CancelOrder,
    responses(
        (status = 200, description = "The order is cancelled.", body = answer::CommandResponse),
        (status = 202, description = "The command is safe and will be decided.", body = answer::AcceptedResponse),
        (status = "4XX", description = "Nothing was written.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = "5XX", description = "See the problem's type for what is known.", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn cancel_order(
    submission: Dispatch,
    Path(order_id): Path<Uuid>,
    Json(cancel): Json<CancelOrder>,
) -> Result<Response, CommandFailure> {
    let ask = CommandInput { order_id, command: Command::CancelOrder(cancel) };
    submission.submit(ask, answer::done).await
}
