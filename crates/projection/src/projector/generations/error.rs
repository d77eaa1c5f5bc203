use std::time::Duration;

use sqlx::error::DatabaseError;

use crate::GenerationState;
use crate::projector::generations::Comparison;

/// Why a generation was left as it was.
#[derive(Debug, thiserror::Error)]
pub enum GenerationError {
    /// Postgres refused or did not answer.
    #[error("postgres: {0}")]
    Postgres(#[from] sqlx::Error),
    /// No projector of it, or none of this version, has ever been here.
    #[error("{projection}{} has never run here: start its projector first", version.map(|version| format!(" version {version}")).unwrap_or_default())]
    NeverRan {
        /// The projection's name.
        projection: String,
        /// The version, where one was asked for.
        version: Option<i32>,
    },
    /// There can be one of a kind only.
    #[error("generation {generation} of {projection} is {state}: {} it first", ending(*state))]
    InTheWay {
        /// The projection's name.
        projection: String,
        /// The generation that is there.
        generation: i32,
        /// What it is there for.
        state: GenerationState,
    },
    /// There is no generation of this kind.
    #[error("{projection} has no generation in the state {state}")]
    Missing {
        /// The projection's name.
        projection: String,
        /// What was looked for.
        state: GenerationState,
    },
    /// There is no generation of this number.
    #[error("{projection} has no generation {generation}")]
    Unknown {
        /// The projection's name.
        projection: String,
        /// What was looked for.
        generation: i32,
    },
    /// Something belongs to a table and would not come along.
    #[error(
        "{what} belongs to the table {table} and would not follow it into another generation: remove it first"
    )]
    Attached {
        /// The table.
        table: String,
        /// A view, a foreign key, a trigger or a policy.
        what: String,
    },
    /// A migration came in between.
    #[error(
        "generation {generation} has no {column} as the live tables have: cancel or drop it, and rebuild"
    )]
    OtherColumns {
        /// The generation that is behind.
        generation: i32,
        /// A column that it lacks, with its type.
        column: String,
    },
    /// The swap would take too long.
    #[error(
        "generation {generation} is {events} events behind the live one, more than {most}: wait, or raise the gate"
    )]
    TooFarBehind {
        /// The generation.
        generation: i32,
        /// How far it is behind.
        events: i64,
        /// The gate.
        most: i64,
    },
    /// The live generation cannot be held for longer.
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
    /// Both were filled by the same version, and yet they are not alike.
    #[error("the generations differ: {0}")]
    Differ(Comparison),
    /// A table's rows cannot be told from each other.
    #[error("the table {0} has no primary key: its rows cannot be compared")]
    NoPrimaryKey(String),
    /// Long queries, or long transactions of projectors.
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
    /// Whether a lock was not to be had in time: `lock_not_available`, `deadlock_detected`.
    pub(super) fn gave_way(&self) -> bool {
        let Self::Postgres(error) = self else { return false };
        let code = error.as_database_error().and_then(DatabaseError::code);
        code.is_some_and(|code| ["55P03", "40P01"].contains(&&*code))
    }
}

/// What an operator does with a generation that is in the way.
fn ending(state: GenerationState) -> &'static str {
    match state {
        GenerationState::Live | GenerationState::Building => "promote or cancel",
        GenerationState::Standby => "drop",
    }
}
