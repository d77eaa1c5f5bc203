use std::time::Duration;

use sqlx::error::DatabaseError;

use crate::GenerationState;
use crate::projector::generations::Comparison;

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum GenerationError {
    /// Postgres did not answer, or refused.
    #[error("postgres: {0}")]
    Postgres(#[from] sqlx::Error),
    /// No projector of it, or none of this version, has ever run here.
    #[error("{projection}{} has never run here: start its projector first", version.map(|version| format!(" version {version}")).unwrap_or_default())]
    NeverRan {
        /// The projection's name.
        projection: String,
        /// The version, where one was asked for.
        version: Option<i32>,
    },
    /// There can only be one generation in this state.
    #[error("generation {generation} of {projection} is {state}: {} it first", ending(*state))]
    InTheWay {
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
    /// Something depends on a table itself, and would not move to the table of another generation.
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
    /// The generation is further behind than the gate allows: the swap would take too long.
    #[error(
        "generation {generation} is {events} events behind the live one, more than {most}: wait, or raise the gate"
    )]
    TooFarBehind {
        /// The generation.
        generation: i32,
        /// How many events it is behind.
        events: i64,
        /// The gate.
        most: i64,
    },
    /// The other generation did not catch up while the live one was held.
    #[error(
        "generation {generation} did not come up with the live one while that was held for {buffer:?}: \
         does a projector of version {version} run, is it ready, and is the generation neither paused nor limited?"
    )]
    Apart {
        /// The generation that is behind.
        generation: i32,
        /// The version of the projector that would fill it.
        version: i32,
        /// How long the live one was held, each time.
        buffer: Duration,
    },
    /// The rows differ although the same version has filled them.
    #[error("the generations differ: {0}")]
    Differ(Comparison),
    /// The rows of a table have no key.
    #[error("the table {0} has no primary key: its rows cannot be compared")]
    NoPrimaryKey(String),
    /// Long queries, or long transactions of projectors, use the tables.
    #[error(
        "other statements kept the tables of {projection} locked for {waited:?}: look for them in pg_stat_activity, then try again"
    )]
    Busy {
        /// The projection's name.
        projection: String,
        /// How long it was tried.
        waited: Duration,
    },
    /// Somebody else has changed the generations meanwhile.
    #[error("the generations of {0} have been changed by somebody else meanwhile: look again")]
    Changed(String),
}

impl GenerationError {
    /// Whether a lock could not be had in time: `lock_not_available`, `deadlock_detected`.
    pub(super) fn gave_way(&self) -> bool {
        let Self::Postgres(error) = self else { return false };
        let code = error.as_database_error().and_then(DatabaseError::code);
        code.is_some_and(|code| ["55P03", "40P01"].contains(&&*code))
    }
}

/// How an operator ends a generation in this state.
fn ending(state: GenerationState) -> &'static str {
    match state {
        GenerationState::Live | GenerationState::Building => "promote or cancel",
        GenerationState::Standby => "drop",
    }
}
