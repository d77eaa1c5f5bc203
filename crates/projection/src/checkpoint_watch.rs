use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use crate::{PartitionOffsets, checkpoint_waiters::CheckpointWaiters};

/// Follows the position of a projection, and lets a query wait until it is further.
///
/// What it knows is only a hint when to query. What counts is the position in the snapshot that the answer is read
/// from, so an answer is never older than it claims, whatever was lost, repeated or rolled back.
#[derive(Debug, Clone)]
pub struct CheckpointWatch(Arc<CheckpointWaiters>);

/// A query to the read model, which may be run again.
pub trait Query: Sync {
    /// What it reads.
    type Answer: Send;
    /// Why it fails.
    type Error: Send;

    /// Reads, and returns the position of the projection in the same snapshot.
    fn ask(&self) -> impl Future<Output = Result<(Self::Answer, PartitionOffsets), Self::Error>> + Send;
}

/// What a query read, and how fresh it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadResult<T> {
    /// What was read.
    pub seen: T,
    /// The position of the projection in the same snapshot.
    pub offsets: PartitionOffsets,
    /// Whether that position is as far as was wanted.
    pub is_fresh: bool,
}

impl CheckpointWatch {
    pub(crate) const fn new(room: Arc<CheckpointWaiters>) -> Self {
        Self(room)
    }

    /// The position of the projection as far as it is known, and every move from here on. To wait for one position
    /// use [`ask`](Self::ask): a receiver is woken by every move.
    pub fn moves(&self) -> watch::Receiver<PartitionOffsets> {
        self.0.moves()
    }

    /// Runs the query until its answer is at `wanted` or later, or until `patience` is over; then returns what there
    /// is.
    pub async fn ask<Q: Query>(
        &self,
        question: &Q,
        wanted: &PartitionOffsets,
        patience: Duration,
    ) -> Result<ReadResult<Q::Answer>, Q::Error> {
        let deadline = Instant::now() + patience;
        let mut in_time = true;
        loop {
            in_time = in_time && timeout_at(deadline, self.0.until(wanted)).await.is_ok();
            let mut moves = self.moves();
            let (seen, offsets) = question.ask().await?;
            let is_fresh = offsets.covers(wanted);
            if is_fresh || !in_time {
                return Ok(ReadResult { seen, offsets, is_fresh });
            }
            // The notification came, but the rows are gone: Postgres lost them again. The next move will show.
            in_time = timeout_at(deadline, moves.changed()).await.is_ok_and(|moved| moved.is_ok());
        }
    }
}
