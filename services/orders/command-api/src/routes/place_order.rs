use axum::response::Response;
use orders_domain::{Command, PlaceOrder};
use service_kit::{Json, problem::ProblemDocument};

use crate::{
    answer,
    problems::CommandFailure,
    submission::{CommandInput, Dispatch},
};

/// Place an order.
#[utoipa::path(
    post,
    path = "/orders",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat."),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only if there is no such order."),
        ("Prefer" = Option<String>, Header, description = "`respond-async`: 202 as soon as the command is safe."),
    ),
    request_body = PlaceOrder,
    responses(
        (status = 201, description = "The order is placed.", body = answer::CommandResponse),
        (status = 202, description = "The command is safe and will be decided.", body = answer::AcceptedResponse),
        (status = "4XX", description = "Nothing was written.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = "5XX", description = "See the problem's type for what is known.", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn place_order(
    submission: Dispatch,
    Json(order): Json<PlaceOrder>,
) -> Result<Response, CommandFailure> {
    let order_id = submission.new_order(order.order_id);
    let ask = CommandInput { order_id, command: Command::PlaceOrder(order) };
    submission.submit(ask, answer::created).await
}
