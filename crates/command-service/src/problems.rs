//! Every error of a command as a problem document, in one place.

use std::time::Duration;

use aggregate::{Refusal, Version};
use axum::http::{StatusCode, header};
use command_engine::CommandError;
use service_kit::{Problem, conditional::etag, problem::kinds};

use crate::context::RefusalStatuses;

/// When it is worth trying again.
pub(crate) const SOON: Duration = Duration::from_secs(1);

/// Why a command is not known to be done.
pub(crate) fn problem<R: Refusal>(error: CommandError<R>, statuses: RefusalStatuses) -> Problem {
    match error {
        CommandError::Refused(refusal) => {
            Problem::refused(&refusal).with_status(refusal_status(refusal.code(), statuses))
        }
        CommandError::VersionMismatch { current } => version_mismatch(current),
        CommandError::IdReused => Problem::new(kinds::IDEMPOTENCY_KEY_REUSED),
        CommandError::Overloaded => Problem::new(kinds::OVERLOADED).retry_after(SOON),
        CommandError::NotReady | CommandError::Elsewhere => not_ready(),
        CommandError::Expired => Problem::new(kinds::TIMED_OUT).retry_after(SOON),
        CommandError::OutcomeUnknown => Problem::new(kinds::OUTCOME_UNKNOWN).retry_after(SOON),
        CommandError::EventTooLarge => Problem::new(kinds::EVENT_TOO_LARGE).detail(error.to_string()),
        CommandError::Broken | CommandError::Unwritable(_) => Problem::internal(&error),
    }
}

/// The status of a problem that a command through Kafka ended with, by its code.
pub(crate) fn status_of(code: &str, statuses: RefusalStatuses) -> StatusCode {
    let kind = kinds::ALL.into_iter().find(|kind| kind.code == code);
    kind.map_or_else(|| refusal_status(code, statuses), |kind| kind.status)
}

/// The status of a refusal, by its code.
fn refusal_status(code: &str, statuses: RefusalStatuses) -> StatusCode {
    let own = statuses.iter().find(|(refusal, _)| *refusal == code);
    own.map_or(StatusCode::UNPROCESSABLE_ENTITY, |(_, status)| *status)
}

/// The outcomes of commands cannot be read at the moment.
pub(crate) fn unreachable_outcomes(error: &sqlx::Error) -> Problem {
    tracing::warn!(%error, "outcomes cannot be read");
    not_ready().detail("the outcomes of commands cannot be read at the moment")
}

/// The version is another than expected. An aggregate that does not exist (version 0) has no entity tag.
fn version_mismatch(current: Version) -> Problem {
    let problem = Problem::new(kinds::VERSION_MISMATCH).extension("current_version", current);
    if current == Version::NONE { problem } else { problem.header(header::ETAG, etag(current)) }
}

/// The engine, or the shard of the aggregate, is not available at the moment.
pub(crate) fn not_ready() -> Problem {
    Problem::new(kinds::NOT_READY).retry_after(SOON)
}
