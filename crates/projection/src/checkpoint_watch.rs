use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use crate::{PartitionOffsets, checkpoint_waiters::CheckpointWaiters};

/// Follows the position of a projection, and lets a query wait until the projection has reached a position.
///
/// The followed position only decides when to run the query. Whether the result is fresh is decided by the position in
/// the query's own snapshot, so a result is never older than it claims, even if notifications are lost or repeated, or
/// Postgres loses transactions.
#[derive(Debug, Clone)]
pub struct CheckpointWatch(Arc<CheckpointWaiters>);

/// A query of the read model, which may be run more than once.
pub trait Query: Sync {
    /// The result of the query.
    type Output: Send;
    /// Why the query fails.
    type Error: Send;

    /// Runs the query. Returns its result, and the position of the projection in the same snapshot.
    fn run(&self) -> impl Future<Output = Result<(Self::Output, PartitionOffsets), Self::Error>> + Send;
}

/// The result of a query, and how fresh it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadResult<T> {
    /// The output of the query.
    pub output: T,
    /// The position of the projection in the same snapshot.
    pub offsets: PartitionOffsets,
    /// Whether that position is at or after the requested one.
    pub is_fresh: bool,
}

impl CheckpointWatch {
    pub(crate) const fn new(waiters: Arc<CheckpointWaiters>) -> Self {
        Self(waiters)
    }

    /// The last known position of the projection, and every update from now on. To wait for one position use
    /// [`query`](Self::query): a receiver is woken by every update.
    pub fn watch_offsets(&self) -> watch::Receiver<PartitionOffsets> {
        self.0.watch_offsets()
    }

    /// Waits until the projection has reached `wanted`, then runs the query, and repeats it until its snapshot has
    /// reached `wanted` too. After `max_wait`, returns the result of the last run.
    pub async fn query<Q: Query>(
        &self,
        query: &Q,
        wanted: &PartitionOffsets,
        max_wait: Duration,
    ) -> Result<ReadResult<Q::Output>, Q::Error> {
        let deadline = Instant::now() + max_wait;
        let mut in_time = true;
        loop {
            in_time = in_time && timeout_at(deadline, self.0.wait_for(wanted)).await.is_ok();
            let mut updates = self.watch_offsets();
            let (output, offsets) = query.run().await?;
            let is_fresh = offsets.covers(wanted);
            if is_fresh || !in_time {
                return Ok(ReadResult { output, offsets, is_fresh });
            }
            // The notification came before Postgres lost the rows in a crash. Wait for the next update.
            in_time = timeout_at(deadline, updates.changed()).await.is_ok_and(|changed| changed.is_ok());
        }
    }
}
