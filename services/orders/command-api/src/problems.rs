//! Every error of a command as a problem document, in one place.

use std::time::Duration;

use aggregate::Version;
use axum::{
    Extension,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use command_engine::CommandError;
use orders_domain::Refusal;
use service_kit::{Problem, conditional::etag, problem::kinds};

use crate::forwarding::NotOwner;

/// When it is worth trying again.
pub(crate) const SOON: Duration = Duration::from_secs(1);

/// Why a command was not answered as asked.
#[derive(Debug)]
pub(crate) enum CommandFailure {
    /// For this reason, which the caller is told.
    Problem(Problem),
    /// This partition is not owned here at the moment; another instance may do it.
    NotOwner(i32),
}

impl From<Problem> for CommandFailure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl IntoResponse for CommandFailure {
    fn into_response(self) -> Response {
        match self {
            Self::Problem(problem) => problem.into_response(),
            Self::NotOwner(partition) => (Extension(NotOwner { partition }), not_ready()).into_response(),
        }
    }
}

/// A rule, or the limits of a value, refused the command.
pub(crate) fn refused(refusal: &impl aggregate::Refusal) -> Problem {
    Problem::refused(refusal).with_status(status_of(refusal.code()))
}

/// The status that goes with the code of a problem that a command can have. Most rules' are 422; what is about the
/// order's existence has a status of its own.
pub(crate) fn status_of(code: &str) -> StatusCode {
    match code {
        "order-already-placed" => StatusCode::CONFLICT,
        "order-not-found" => StatusCode::NOT_FOUND,
        "version-mismatch" => StatusCode::PRECONDITION_FAILED,
        "malformed-command" => StatusCode::BAD_REQUEST,
        "internal" => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// What became of a command cannot be told at the moment.
pub(crate) fn unreachable_outcomes(error: &sqlx::Error) -> Problem {
    tracing::warn!(%error, "outcomes cannot be read");
    not_ready().detail("the outcomes of commands cannot be read at the moment")
}

/// Why a command is not known to be done.
pub(crate) fn problem(error: CommandError<Refusal>) -> Problem {
    match error {
        CommandError::Refused(refusal) => refused(&refusal),
        CommandError::VersionMismatch { current } => version_mismatch(current),
        CommandError::IdReused => Problem::new(kinds::IDEMPOTENCY_KEY_REUSED),
        CommandError::Overloaded => Problem::new(kinds::OVERLOADED).retry_after(SOON),
        CommandError::NotReady | CommandError::Elsewhere => not_ready(),
        CommandError::Expired => Problem::new(kinds::TIMED_OUT).retry_after(SOON),
        CommandError::OutcomeUnknown => Problem::new(kinds::OUTCOME_UNKNOWN).retry_after(SOON),
        CommandError::Broken | CommandError::Unwritable(_) => Problem::internal(&error),
    }
}

/// The version is another than expected. What is not there (version 0) has no entity tag.
fn version_mismatch(current: Version) -> Problem {
    let problem = Problem::new(kinds::VERSION_MISMATCH).extension("current_version", current);
    if current == Version::NONE { problem } else { problem.header(header::ETAG, etag(current)) }
}

/// The engine, or the aggregate's partition, is not there at the moment.
pub(crate) fn not_ready() -> Problem {
    Problem::new(kinds::NOT_READY).retry_after(SOON)
}
