use axum::response::Response;
use orders_domain::Command;
use serde::{Deserialize, Serialize};
use service_kit::{Json, Path, Problem, problem::ProblemDocument};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{answer, submission::Submission};

/// Why an order is not to be delivered.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelOrder {
    /// 1 to 500 characters.
    #[schema(example = "ordered twice")]
    reason: String,
}

/// Cancel an order.
#[utoipa::path(
    post,
    path = "/orders/{order_id}/cancel",
    params(
        ("order_id" = Uuid, Path, description = "Which order."),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat."),
        ("If-Match" = Option<String>, Header, description = "The version that the caller knows, as in `\"1\"`."),
    ),
    request_body = CancelOrder,
    responses(
        (status = 200, description = "The order is cancelled.", body = answer::Done),
        (status = "4XX", description = "Nothing was written.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = "5XX", description = "See the problem's type for what is known.", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn cancel_order(
    submission: Submission,
    Path(order_id): Path<Uuid>,
    Json(cancel): Json<CancelOrder>,
) -> Result<Response, Problem> {
    let command = orders_domain::CancelOrder::try_from(cancel.reason.clone()).map(Command::CancelOrder);
    let accepted = submission.submit(order_id, "cancel-order", &cancel, command).await?;
    Ok(answer::done(order_id, accepted))
}
