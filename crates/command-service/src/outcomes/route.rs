use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use service_kit::{
    Json, Path, Problem,
    problem::{ProblemDocument, kinds},
};
use uuid::Uuid;

use super::{Outcome, Outcomes};
use crate::{context::RefusalStatuses, problems::unreachable_outcomes};

/// What the route needs.
#[derive(Debug, Clone)]
pub(crate) struct OutcomeState {
    pub(crate) outcomes: Outcomes,
    /// The name of the aggregate: `order`.
    pub(crate) aggregate: &'static str,
    /// The statuses of its refusals.
    pub(crate) refusal_statuses: RefusalStatuses,
}

/// What became of a command that was sent with `Prefer: respond-async`, or through Kafka. It is known for a week.
#[utoipa::path(
    get,
    path = "/commands/{command_id}",
    params(("command_id" = Uuid, Path, description = "Which command.")),
    responses(
        (status = 200, description = "What is known of it.", body = Outcome),
        (status = "4XX", description = "No such command is known.", body = ProblemDocument, content_type = "application/problem+json"),
        (status = "5XX", description = "It cannot be read at the moment.", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn command(
    State(OutcomeState { outcomes, aggregate, refusal_statuses }): State<OutcomeState>,
    Path(command_id): Path<Uuid>,
) -> Result<Response, Problem> {
    let outcome = match outcomes.of(command_id).await.map_err(|error| unreachable_outcomes(&error))? {
        None => return Err(Problem::new(kinds::NOT_FOUND)),
        Some(None) => Outcome::Pending { command_id },
        Some(Some(document)) => {
            Outcome::read(&document, refusal_statuses).map_err(|error| Problem::internal(&error))?
        }
    };
    let body = outcome.body(aggregate).map_err(|error| Problem::internal(&error))?;
    Ok((outcome.token(), Json(body)).into_response())
}
