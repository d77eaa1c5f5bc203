//! Every error of a query as a problem document.

use std::time::Duration;

use axum::{Router, http::StatusCode};
use projection::InvalidToken;
use service_kit::{
    Problem,
    problem::{ProblemKind, kinds, page},
};

use crate::{journal::ReplayError, list::InvalidCursor};

/// When the client should try again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The text of `GET /problems/{code}` for the problems below. `{code}` is replaced by the aggregate's name in codes,
/// and `{aggregate}` by its name in sentences.
const PAGES: &str = include_str!("../problems.md");

/// The routes that describe the problems of queries about one kind of aggregate (`order`).
pub(crate) fn pages(aggregate: &str) -> Router {
    let pages =
        PAGES.replace("{code}", &words(aggregate, "-")).replace("{aggregate}", &words(aggregate, " "));
    page::own(leak(pages))
}

/// The kinds of problems whose code contains the name of an aggregate.
#[derive(Debug)]
pub(crate) struct AggregateProblems {
    /// `order-not-found`: there is no such aggregate in the read model.
    not_found: ProblemKind,
    /// `order-version-not-found`: the aggregate has no such version, or did not exist at that time.
    version_not_found: ProblemKind,
    /// `order-history-incomplete`: an event is missing from the journal, so later states are unknown.
    history_incomplete: ProblemKind,
}

impl AggregateProblems {
    /// Called once, when a service starts.
    pub(crate) fn new(aggregate: &str) -> Self {
        let name = words(aggregate, "-");
        let code = |suffix: &str| leak(format!("{name}-{suffix}"));
        Self {
            not_found: ProblemKind::new(code("not-found"), StatusCode::NOT_FOUND),
            version_not_found: ProblemKind::new(code("version-not-found"), StatusCode::NOT_FOUND),
            history_incomplete: ProblemKind::new(
                code("history-incomplete"),
                StatusCode::INTERNAL_SERVER_ERROR,
            ),
        }
    }

    pub(crate) const fn not_found(&self) -> Problem {
        Problem::new(self.not_found)
    }

    pub(crate) fn of(&self, error: ReplayError) -> Problem {
        match error {
            ReplayError::NotFound => self.not_found(),
            ReplayError::VersionNotFound => Problem::new(self.version_not_found),
            ReplayError::Missing(version) => Problem::new(self.history_incomplete)
                .detail(error.to_string())
                .extension("missing_version", version),
            ReplayError::OutOfPlace(_) => Problem::internal(&error),
        }
    }
}

/// The problem of a query that failed in Postgres.
pub(crate) fn postgres(error: &sqlx::Error) -> Problem {
    if projection::is_transient(error) {
        tracing::debug!(%error, "a query failed");
        Problem::new(kinds::NOT_READY).retry_after(RETRY_AFTER)
    } else {
        Problem::internal(error)
    }
}

/// The projection did not reach the consistency token in time.
pub(crate) fn not_yet_visible() -> Problem {
    Problem::new(kinds::NOT_YET_VISIBLE).retry_after(RETRY_AFTER)
}

pub(crate) fn invalid_token(error: &InvalidToken) -> Problem {
    Problem::new(kinds::INVALID_CONSISTENCY_TOKEN).detail(error.to_string())
}

pub(crate) fn invalid_cursor(error: InvalidCursor) -> Problem {
    Problem::new(kinds::INVALID_CURSOR).detail(error.to_string())
}

/// The words of an aggregate's name: `seat_map` is `seat-map` in a code and `seat map` in a sentence.
fn words(aggregate: &str, separator: &str) -> String {
    aggregate.replace('_', separator)
}

/// For texts that are built once and needed as long as the process runs.
fn leak(text: String) -> &'static str {
    text.leak()
}
