use std::{sync::Arc, time::Duration};

use event_log::{Discontinuity, LogError, Position, RegistryError};

use crate::is_transient;

/// Why a projection stopped. It resumes from its checkpoints automatically once the cause is resolved.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    /// The log could not be read, or is inconsistent.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The log could not be read for any projection of the process.
    #[error(transparent)]
    SharedLog(Arc<LogError>),
    /// The registry did not respond, or returned an error.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Postgres did not respond, or returned an error.
    #[error("postgres: {0}")]
    Postgres(#[from] sqlx::Error),
    /// Postgres did not respond in time.
    #[error("no response from postgres within {0:?}")]
    PostgresTimedOut(Duration),
    /// Another projector has claimed a partition in the meantime.
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
        /// The version that is running.
        running: i32,
    },
    /// So many aggregates are parked that they probably have a common cause.
    #[error(
        "{limit} aggregates of {projection} are parked, probably for a common reason: once it is resolved, \
         run `foldline parked retry --projection {projection}`"
    )]
    TooManyParked {
        /// The projection's name.
        projection: &'static str,
        /// The maximum number of parked aggregates.
        limit: usize,
    },
    /// The generation that was being filled has been dropped.
    #[error("generation {generation} of {projection} no longer exists")]
    NoGeneration {
        /// The projection's name.
        projection: &'static str,
        /// The generation's number.
        generation: i32,
    },
    /// The generation has become live, or is no longer live, so it has to be read in another way.
    #[error("the state of generation {generation} of {projection} has changed")]
    StateChanged {
        /// The projection's name.
        projection: &'static str,
        /// The generation's number.
        generation: i32,
    },
    /// The projection cannot apply an event, because of its content or of the events before it.
    #[error("event at {position} cannot be projected: {reason}")]
    Unfit {
        /// The event's position.
        position: Position,
        /// Why it cannot be applied.
        reason: &'static str,
    },
}

impl ProjectionError {
    /// Whether the error may go away without intervention. Any other error requires an operator.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Log(error) => error.is_transient(),
            Self::SharedLog(error) => error.is_transient(),
            Self::Registry(error) => error.is_transient(),
            Self::Postgres(error) => is_transient(error),
            Self::PostgresTimedOut(_)
            | Self::Superseded { .. }
            | Self::NoGeneration { .. }
            | Self::StateChanged { .. } => true,
            Self::Unfit { .. } | Self::OtherVersion { .. } | Self::TooManyParked { .. } => false,
        }
    }
}

impl From<Discontinuity> for ProjectionError {
    fn from(discontinuity: Discontinuity) -> Self {
        Self::Log(discontinuity.into())
    }
}
