use std::time::Duration;

use aggregate::AggregateId;

/// Snapshots cannot be read or written. Aggregates in memory are not affected.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Postgres failed or refused.
    #[error("snapshots: {0}")]
    Postgres(#[from] sqlx::Error),
    /// Postgres did not answer in time.
    #[error("snapshots: no answer from postgres within {0:?}")]
    TimedOut(Duration),
    /// Loading failed recently; the next attempt comes after a pause.
    #[error("snapshots: not asked again so soon after a failure")]
    Pausing,
    /// They could not be opened yet, so what only they have is not known, and nothing can be saved.
    #[error("snapshots: postgres has not answered yet")]
    NotOpen,
    /// They can be opened again. The cache must be restored and the log read from there.
    #[error("snapshots: postgres answers again")]
    Reopened,
    /// A snapshot does not match the type of the state: the state was changed without increasing its version.
    #[error("snapshot of {id} cannot be read: {reason}")]
    Unreadable {
        /// The aggregate.
        id: AggregateId,
        /// What is wrong with its snapshot.
        reason: String,
    },
    /// A state cannot be encoded as JSON.
    #[error("a state cannot be saved: {0}")]
    Unwritable(String),
    /// Postgres has lost its last transactions, and saved snapshots with them. The cache must be restored and the log
    /// read from there.
    #[error("snapshots: postgres has lost what was saved")]
    Lost,
    /// There is no room for another aggregate: those in memory have not been saved for too long.
    #[error("snapshots: too many aggregates wait to be saved")]
    Full,
    /// The program is stopping.
    #[error("snapshots: the runtime has stopped")]
    Stopped,
}
