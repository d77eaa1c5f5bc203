//! Every error of a command as a problem document, in one place.

use std::time::Duration;

use aggregate::Version;
use axum::http::{StatusCode, header};
use command_engine::CommandError;
use orders_domain::Refusal;
use service_kit::{Problem, conditional::etag, problem::kinds};

/// When it is worth trying again.
const SOON: Duration = Duration::from_secs(1);

/// A rule's "no". Most are 422; what is about the order's existence has a status of its own.
pub(crate) fn refused(refusal: &Refusal) -> Problem {
    let problem = Problem::refused(refusal);
    match refusal {
        Refusal::OrderAlreadyPlaced {} => problem.with_status(StatusCode::CONFLICT),
        Refusal::OrderNotFound {} => problem.with_status(StatusCode::NOT_FOUND),
        _ => problem,
    }
}

/// Why a command is not known to be done.
pub(crate) fn problem(error: CommandError<Refusal>) -> Problem {
    match error {
        CommandError::Refused(refusal) => refused(&refusal),
        CommandError::VersionMismatch { current } => version_mismatch(current),
        CommandError::IdReused => Problem::new(kinds::IDEMPOTENCY_KEY_REUSED),
        CommandError::Overloaded => Problem::new(kinds::OVERLOADED).retry_after(SOON),
        CommandError::NotReady => not_ready(),
        CommandError::Expired => Problem::new(kinds::TIMED_OUT).retry_after(SOON),
        CommandError::OutcomeUnknown => Problem::new(kinds::OUTCOME_UNKNOWN).retry_after(SOON),
        CommandError::Broken | CommandError::Unwritable(_) => Problem::internal(&error),
    }
}

/// The version is another than expected. What is not there (version 0) has no entity tag.
fn version_mismatch(current: Version) -> Problem {
    let problem = Problem::new(kinds::VERSION_MISMATCH).fact("current_version", current);
    if current == Version::NONE { problem } else { problem.header(header::ETAG, etag(current)) }
}

/// The engine, or the aggregate's partition, is not there at the moment.
pub(crate) fn not_ready() -> Problem {
    Problem::new(kinds::NOT_READY).retry_after(SOON)
}
