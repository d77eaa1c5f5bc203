use std::time::Duration;

use sqlx::error::DatabaseError;

use crate::GenerationState;
use crate::projector::generations::Comparison;

/// Why an operation on generations failed. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum GenerationError {
    /// Postgres did not respond, or returned an error.
    #[error("postgres: {0}")]
    Postgres(#[from] sqlx::Error),
    /// No projector of this projection, or of this version, has ever run on this database.
    #[error("{projection}{} has never run here: start its projector first", version.map(|version| format!(" version {version}")).unwrap_or_default())]
    NeverRan {
        /// The projection's name.
        projection: String,
        /// The requested version, if any.
        version: Option<i32>,
    },
    /// There can only be one generation in this state.
    #[error("generation {generation} of {projection} is {state}: {} it first", ending(*state))]
    Exists {
        /// The projection's name.
        projection: String,
        /// The existing generation.
        generation: i32,
        /// Its state.
        state: GenerationState,
    },
    /// There is no generation in this state.
    #[error("{projection} has no generation in the state {state}")]
    Missing {
        /// The projection's name.
        projection: String,
        /// The state.
        state: GenerationState,
    },
    /// There is no generation with this number.
    #[error("{projection} has no generation {generation}")]
    Unknown {
        /// The projection's name.
        projection: String,
        /// The number.
        generation: i32,
    },
    /// An object depends on a table itself, and would not move to the table of another generation.
    #[error(
        "{what} belongs to the table {table} and would not follow it into another generation: remove it first"
    )]
    Attached {
        /// The table.
        table: String,
        /// A view, a foreign key, a trigger or a policy.
        what: String,
    },
    /// A migration was applied after the generation was begun.
    #[error(
        "generation {generation} has no {column} as the live tables have: cancel or drop it, and rebuild"
    )]
    OtherColumns {
        /// The generation that is out of date.
        generation: i32,
        /// A column that it does not have, with its type.
        column: String,
    },
    /// The generation is further behind than allowed, so the swap would take too long.
    #[error(
        "generation {generation} is {events} events behind the live one, more than {max_lag}: wait, or raise the limit"
    )]
    TooFarBehind {
        /// The generation.
        generation: i32,
        /// How many events it is behind.
        events: i64,
        /// How many it may be behind.
        max_lag: i64,
    },
    /// The other generation did not catch up while the live one was held back.
    #[error(
        "generation {generation} did not catch up with the live one, which was held back for {held_for:?}: \
         check that a projector of version {version} runs and is ready, and that the generation is not paused or limited"
    )]
    NotAligned {
        /// The generation that is behind.
        generation: i32,
        /// The version of the projector that fills it.
        version: i32,
        /// How long the live one was held back at each attempt.
        held_for: Duration,
    },
    /// The rows differ although the same version wrote them.
    #[error("the generations differ: {0}")]
    Differ(Comparison),
    /// A table has no primary key.
    #[error("the table {0} has no primary key: its rows cannot be compared")]
    NoPrimaryKey(String),
    /// Long queries or transactions kept the tables locked.
    #[error(
        "other statements kept the tables of {projection} locked for {waited:?}: look for them in pg_stat_activity, then try again"
    )]
    Busy {
        /// The projection's name.
        projection: String,
        /// How long the operation waited.
        waited: Duration,
    },
    /// The generations were changed by another operation in the meantime.
    #[error("the generations of {0} were changed in the meantime: list them and try again")]
    Changed(String),
}

impl GenerationError {
    /// Whether a lock could not be acquired: `lock_not_available` or `deadlock_detected`.
    pub(super) fn is_lock_conflict(&self) -> bool {
        let Self::Postgres(error) = self else { return false };
        let code = error.as_database_error().and_then(DatabaseError::code);
        code.is_some_and(|code| ["55P03", "40P01"].contains(&&*code))
    }
}

/// The commands that end a generation in this state.
fn ending(state: GenerationState) -> &'static str {
    match state {
        GenerationState::Live | GenerationState::Building => "promote or cancel",
        GenerationState::Standby => "drop",
    }
}
