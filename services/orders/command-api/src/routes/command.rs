use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use service_kit::{
    Json, Path, Problem,
    problem::{ProblemDocument, kinds},
};
use uuid::Uuid;

use crate::{
    answer,
    outcomes::{Outcome, Outcomes},
    problems::unreachable_outcomes,
};

/// What became of a command that was sent with `Prefer: respond-async`, or through Kafka. It is known for a week.
#[utoipa::path(
    get,
    path = "/commands/{command_id}",
    params(("command_id" = Uuid, Path, description = "Which command.")),
    responses(
        (status = 200, description = "What is known of it.", body = Outcome),
        (status = "4XX", description = "No such command is known.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = "5XX", description = "It cannot be told at the moment.", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn command(
    State(outcomes): State<Outcomes>,
    Path(command_id): Path<Uuid>,
) -> Result<Response, Problem> {
    let outcome = match outcomes.of(command_id).await.map_err(|error| unreachable_outcomes(&error))? {
        None => return Err(Problem::new(kinds::NOT_FOUND)),
        Some(None) => Outcome::Pending { command_id },
        Some(Some(document)) => Outcome::read(&document).map_err(|error| Problem::internal(&error))?,
    };
    Ok((answer::token_of(&outcome), Json(outcome)).into_response())
}
