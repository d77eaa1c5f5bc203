use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use crate::{PartitionOffsets, checkpoint_waiters::CheckpointWaiters};

/// Knows about where a projection stands, and lets a query wait until it stands further.
///
/// What it knows is only a hint of when to look. What counts is where the projection stood in the very snapshot that
/// the answer is read from; so an answer is never older than it says, whatever was lost, repeated or rolled back.
#[derive(Debug, Clone)]
pub struct CheckpointWatch(Arc<CheckpointWaiters>);

/// A question to the read model, which may be asked again.
pub trait Query: Sync {
    /// What is seen.
    type Answer: Send;
    /// Why nothing is seen.
    type Error: Send;

    /// What there is, and where the projection stood in the same snapshot.
    fn ask(&self) -> impl Future<Output = Result<(Self::Answer, PartitionOffsets), Self::Error>> + Send;
}

/// What a query saw, and how fresh it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadResult<T> {
    /// What was read.
    pub seen: T,
    /// Where the projection stood in the same snapshot.
    pub offsets: PartitionOffsets,
    /// Whether that was as far as it was wanted.
    pub is_fresh: bool,
}

impl CheckpointWatch {
    pub(crate) const fn new(room: Arc<CheckpointWaiters>) -> Self {
        Self(room)
    }

    /// Where the projection stands, as far as it was heard, and every move from here on. Who waits for one position
    /// asks instead: a receiver is woken by all of them.
    pub fn moves(&self) -> watch::Receiver<PartitionOffsets> {
        self.0.moves()
    }

    /// Asks until the answer stands at `wanted` or later; if that takes longer than `patience`, what there is then.
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
            // Heard of, but not there: Postgres lost it again. The next move will show.
            in_time = timeout_at(deadline, moves.changed()).await.is_ok_and(|moved| moved.is_ok());
        }
    }
}
