use std::time::Duration;

use event_log::{Discontinuity, LogError, Position, RegistryError};

use crate::is_transient;

/// Why a projection stopped. It resumes by itself from its checkpoints once the cause is gone.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    /// The log could not be read, or it is broken.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The registry did not answer, or refused.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Postgres did not answer, or refused.
    #[error("postgres: {0}")]
    Postgres(#[from] sqlx::Error),
    /// Postgres did not answer in time.
    #[error("no answer from postgres within {0:?}")]
    PostgresTimedOut(Duration),
    /// Another projector has claimed a partition meanwhile.
    #[error("another projector took over a partition of {topic}")]
    Superseded {
        /// The topic.
        topic: String,
    },
    /// The tables were filled by another version of the projection.
    #[error(
        "the tables of {projection} were filled by its version {filled_by}, this is version {running}: \
         run `foldline projections rebuild {projection}`"
    )]
    OtherVersion {
        /// The projection's name.
        projection: &'static str,
        /// The version that filled them.
        filled_by: i32,
        /// The version that runs.
        running: i32,
    },
    /// So many aggregates are parked that the projection itself, or something before it, must be wrong.
    #[error(
        "{limit} aggregates of {projection} are parked, which is no accident: once the cause is gone, \
         run `foldline parked retry --projection {projection}`"
    )]
    TooManyParked {
        /// The projection's name.
        projection: &'static str,
        /// The most aggregates that may be parked.
        limit: usize,
    },
    /// The generation that was being filled has been dropped.
    #[error("generation {generation} of {projection} is not there any more")]
    NoGeneration {
        /// The projection's name.
        projection: &'static str,
        /// The generation's number.
        generation: i32,
    },
    /// The projection cannot apply an event, because of what it says or what it follows.
    #[error("event at {position} cannot be projected: {reason}")]
    Unfit {
        /// The event's position.
        position: Position,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl ProjectionError {
    /// Whether it may pass by itself; otherwise somebody has to act.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Log(error) => error.is_transient(),
            Self::Registry(error) => error.is_transient(),
            Self::Postgres(error) => is_transient(error),
            Self::PostgresTimedOut(_) | Self::Superseded { .. } | Self::NoGeneration { .. } => true,
            Self::Unfit { .. } | Self::OtherVersion { .. } | Self::TooManyParked { .. } => false,
        }
    }
}

impl From<Discontinuity> for ProjectionError {
    fn from(discontinuity: Discontinuity) -> Self {
        Self::Log(discontinuity.into())
    }
}
