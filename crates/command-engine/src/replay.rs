//! Folds events of the log into the caches of their partitions, in batches of bounded size.

use aggregate::{Aggregate, Message};
use event_log::{Codec, LogError, Recorded};

use crate::{
    cache::{CacheError, ShardCache},
    in_doubt::InDoubt,
    snapshots::SnapshotError,
};

/// How many events are folded together. The cold aggregates among them are loaded by one query.
const BATCH_SIZE: usize = 1024;

/// A replay under way.
pub(crate) struct Replay<'w, A: Aggregate> {
    cache: &'w mut ShardCache<A>,
    codec: &'w Codec,
    in_doubt: &'w mut InDoubt<A>,
    /// Events of one partition.
    batch: Vec<(Recorded, A::Event)>,
}

impl<'w, A: Aggregate> Replay<'w, A> {
    pub(crate) const fn new(
        cache: &'w mut ShardCache<A>,
        codec: &'w Codec,
        in_doubt: &'w mut InDoubt<A>,
    ) -> Self {
        Self { cache, codec, in_doubt, batch: Vec::new() }
    }

    /// Adds the next event of a partition.
    pub(crate) fn add(&mut self, recorded: Recorded) -> Result<(), LogError> {
        let partition = recorded.position.partition;
        if self.batch.last().is_some_and(|(last, _)| last.position.partition != partition) {
            self.fold()?;
        }
        let event = self
            .codec
            .decode::<A::Event>(&recorded)
            .map_err(|source| LogError::unreadable(&recorded, source))?;
        self.in_doubt.note(&recorded, event.message_type());
        self.batch.push((recorded, event));
        if self.batch.len() < BATCH_SIZE { Ok(()) } else { self.fold() }
    }

    /// Folds the events added so far, even if the replay was interrupted: what was read need not be read again.
    pub(crate) fn fold(&mut self) -> Result<(), LogError> {
        let batch = std::mem::take(&mut self.batch);
        // Commands in doubt are looked for in every event that is read.
        let may_skip = self.in_doubt.is_empty();
        self.cache.fold_tail(&batch, may_skip).map_err(|error| match error {
            CacheError::Discontinuous(error) => error.into(),
            CacheError::Snapshots(error) => {
                if let (SnapshotError::Lost | SnapshotError::Reopened, Some((first, _))) =
                    (&error, batch.first())
                {
                    self.cache.restore_again(first.position.partition);
                }
                LogError::Fold(error.into())
            }
        })
    }
}
