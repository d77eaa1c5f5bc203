use std::time::Duration;

use aggregate::AggregateId;

/// Snapshots cannot be read or written. Aggregates that are in memory work on.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Postgres refused or did not answer.
    #[error("snapshots: {0}")]
    Postgres(#[from] sqlx::Error),
    /// Postgres did not answer in time.
    #[error("snapshots: no answer from postgres within {0:?}")]
    TimedOut(Duration),
    /// Loading failed a moment ago; the next try comes after a pause.
    #[error("snapshots: not asked again so soon after a failure")]
    Pausing,
    /// A snapshot is not what this code's generation of the state can read; whoever changed the state forgot to count
    /// its version on.
    #[error("snapshot of {id} cannot be read: {reason}")]
    Unreadable {
        /// Which aggregate.
        id: AggregateId,
        /// What is wrong with it.
        reason: String,
    },
    /// A state cannot be written as JSON.
    #[error("a state cannot be saved: {0}")]
    Unwritable(String),
    /// What was saved is not there any more: Postgres has lost its last transactions. The cache must be restored and
    /// the log read from there.
    #[error("snapshots: postgres has lost what was saved")]
    Lost,
    /// There were fewer snapshots than there must be: somebody has deleted some. The others are deleted too by now, and
    /// all will be folded anew from the log.
    #[error("snapshots: {found} where {expected} must be; all are discarded")]
    Incomplete {
        /// How many aggregates the checkpoint tells of.
        expected: u64,
        /// How many snapshots there were.
        found: u64,
    },
    /// There is no room for another aggregate, for those in memory have not been saved for long.
    #[error("snapshots: too many aggregates wait to be saved")]
    Full,
    /// The program is about to end.
    #[error("snapshots: the runtime has stopped")]
    Stopped,
}
