//! Every error of a question as a problem document, in one place.

use std::time::Duration;

use axum::http::StatusCode;
use projection::{InvalidToken, ProjectionError};
use service_kit::{
    Problem,
    problem::{ProblemKind, kinds},
};

use crate::cursor::InvalidCursor;

/// When it is worth trying again.
const SOON: Duration = Duration::from_secs(1);

/// There is no such order, as far as the read model knows.
pub(crate) const ORDER_NOT_FOUND: ProblemKind = ProblemKind::new("order-not-found", StatusCode::NOT_FOUND);

/// Postgres could not answer.
pub(crate) fn unanswered(error: sqlx::Error) -> Problem {
    let error = ProjectionError::from(error);
    if error.is_transient() {
        tracing::debug!(%error, "a question was not answered");
        Problem::new(kinds::NOT_READY).retry_after(SOON)
    } else {
        Problem::internal(&error)
    }
}

/// The read model did not get there in time.
pub(crate) fn not_yet_visible() -> Problem {
    Problem::new(kinds::NOT_YET_VISIBLE).retry_after(SOON)
}

pub(crate) fn invalid_token(error: &InvalidToken) -> Problem {
    Problem::new(kinds::INVALID_CONSISTENCY_TOKEN).detail(error.to_string())
}

pub(crate) fn invalid_cursor(error: InvalidCursor) -> Problem {
    Problem::new(kinds::INVALID_CURSOR).detail(error.to_string())
}
