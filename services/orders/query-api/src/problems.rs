//! Every error of a question as a problem document, in one place.

use std::time::Duration;

use axum::http::StatusCode;
use projection::InvalidToken;
use service_kit::{
    Problem,
    problem::{ProblemKind, kinds},
};

use crate::{cursor::InvalidCursor, past::Untold};

/// When it is worth trying again.
const SOON: Duration = Duration::from_secs(1);

/// There is no such order, as far as the read model knows.
pub(crate) const ORDER_NOT_FOUND: ProblemKind = ProblemKind::new("order-not-found", StatusCode::NOT_FOUND);

/// There is such an order, but it has no such version, or was not placed yet.
pub(crate) const ORDER_VERSION_NOT_FOUND: ProblemKind =
    ProblemKind::new("order-version-not-found", StatusCode::NOT_FOUND);

/// An event is missing in the journal, so it cannot be told what the order was after it.
pub(crate) const ORDER_HISTORY_INCOMPLETE: ProblemKind =
    ProblemKind::new("order-history-incomplete", StatusCode::INTERNAL_SERVER_ERROR);

/// It cannot be told what an order is or was.
pub(crate) fn untold(why: Untold) -> Problem {
    match why {
        Untold::OrderNotFound => Problem::new(ORDER_NOT_FOUND),
        Untold::VersionNotFound => Problem::new(ORDER_VERSION_NOT_FOUND),
        Untold::Missing(version) => Problem::new(ORDER_HISTORY_INCOMPLETE)
            .detail(why.to_string())
            .extension("missing_version", version),
        Untold::OutOfPlace(_) => Problem::internal(&why),
    }
}

/// Postgres could not answer.
pub(crate) fn unanswered(error: sqlx::Error) -> Problem {
    if projection::is_transient(&error) {
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
