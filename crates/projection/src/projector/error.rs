use std::time::Duration;

use event_log::{Discontinuity, LogError, Position, RegistryError};

use crate::is_transient;

/// Why a projection came to a stand. It goes on by itself as soon as the cause is gone, from where its rows are.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    /// The log could not be read, or is not what it must be.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The registry did not answer.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Postgres refused or did not answer.
    #[error("postgres: {0}")]
    Postgres(#[from] sqlx::Error),
    /// Postgres did not answer in time.
    #[error("no answer from postgres within {0:?}")]
    PostgresTimedOut(Duration),
    /// Another projector has claimed a partition since.
    #[error("another projector took over a partition of {topic}")]
    Superseded {
        /// The topic.
        topic: String,
    },
    /// The tables were filled by another version of the projection.
    #[error(
        "the tables of {projection} were filled by its version {filled_by}, this is version {running}: \
         run `foldline projections rebuild --projection {projection}`"
    )]
    OtherVersion {
        /// The projection's name.
        projection: &'static str,
        /// The version that filled them.
        filled_by: i32,
        /// The version that runs.
        running: i32,
    },
    /// Far too much is parked: the projection itself, or something before it, is wrong.
    #[error(
        "{limit} aggregates of {projection} are parked, which is no accident: once the cause is gone, \
         run `foldline dead-letters retry`"
    )]
    TooManyParked {
        /// The projection's name.
        projection: &'static str,
        /// So many may be parked.
        limit: usize,
    },
    /// The generation that is followed has been dropped.
    #[error("generation {generation} of {projection} is not there any more")]
    NoGeneration {
        /// The projection's name.
        projection: &'static str,
        /// The generation's number.
        generation: i32,
    },
    /// The projection has no use for an event that it should have: wrong in itself or at this place.
    #[error("event at {position} cannot be projected: {reason}")]
    Unfit {
        /// Where the event stands.
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
