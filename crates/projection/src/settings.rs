use std::{num::NonZeroUsize, time::Duration};

use service_kit::settings::Environment;

/// How a projector works.
#[derive(Debug, Clone)]
pub struct ProjectorSettings {
    /// `FOLDLINE_PROJECTION_BATCH_SIZE` (`2000`): the most events in one transaction. Fewer go at once where no more
    /// have come.
    pub batch_size: NonZeroUsize,
    /// `FOLDLINE_PROJECTION_BUILD_BATCH_SIZE` (`10000`): the same for a generation that is not live, where nobody waits
    /// for the first event of a batch.
    pub build_batch_size: NonZeroUsize,
    /// `FOLDLINE_PROJECTION_BATCH_BYTES` (`16777216`): a batch takes no more events once their payloads are this large
    /// together.
    pub batch_bytes: NonZeroUsize,
    /// `FOLDLINE_PROJECTION_TRANSACTION_TIMEOUT` (`5s`): how long Postgres may take for one step.
    pub transaction_timeout: Duration,
    /// `FOLDLINE_PROJECTION_RETRY_FIRST` (`100ms`): the pause after a failure; it doubles from one to the next.
    pub retry_first: Duration,
    /// `FOLDLINE_PROJECTION_RETRY_LONGEST` (`2s`): the pause grows no longer than this.
    pub retry_longest: Duration,
    /// `FOLDLINE_PROJECTION_PARKED_LIMIT` (`100000`): with so many parked aggregates a projector goes no further. It
    /// keeps their ids in memory.
    pub parked_limit: usize,
}

impl ProjectorSettings {
    /// Reads the settings.
    pub fn read(environment: &mut Environment) -> Self {
        Self {
            batch_size: environment.get("FOLDLINE_PROJECTION_BATCH_SIZE", "2000"),
            build_batch_size: environment.get("FOLDLINE_PROJECTION_BUILD_BATCH_SIZE", "10000"),
            batch_bytes: environment.get("FOLDLINE_PROJECTION_BATCH_BYTES", "16777216"),
            transaction_timeout: environment.duration("FOLDLINE_PROJECTION_TRANSACTION_TIMEOUT", "5s"),
            retry_first: environment.duration("FOLDLINE_PROJECTION_RETRY_FIRST", "100ms"),
            retry_longest: environment.duration("FOLDLINE_PROJECTION_RETRY_LONGEST", "2s"),
            parked_limit: environment.get("FOLDLINE_PROJECTION_PARKED_LIMIT", "100000"),
        }
    }
}

impl Default for ProjectorSettings {
    fn default() -> Self {
        Self::read(&mut Environment::default())
    }
}
