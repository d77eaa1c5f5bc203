//! Opens the snapshots of a partition. The log is the truth: while Postgres does not answer, everything is folded from the
//! beginning of the log and stays in memory. What only the store can tell must not be guessed meanwhile.

use std::time::Instant;

use aggregate::Aggregate;
use tokio::sync::oneshot::error::TryRecvError;
use tracing::warn;

use super::{AggregateCache, CacheSettings, evicted_commands::UnsavedCommands, write_behind::WriteBehind};
use crate::snapshots::{Opened, PendingIds, PendingOpened, SnapshotError};

/// The attempts to open snapshots that could not be opened at first.
pub(super) struct Opening {
    /// The attempt under way.
    pending: Option<PendingOpened>,
    /// When the last one began, or was due.
    tried_at: Instant,
}

impl Opening {
    /// When to try even if nothing happens until then.
    pub(super) fn due(&self, settings: &CacheSettings) -> Instant {
        self.tried_at + settings.load_pause.max(settings.save_interval)
    }
}

impl<A: Aggregate> AggregateCache<A> {
    /// Discards everything and starts from the snapshots' checkpoint; the log continues at `next_offset`.
    ///
    /// After an error the snapshots are not [open](Self::is_open): the log is to be read from its beginning.
    pub fn restore(&mut self) -> Result<(), SnapshotError> {
        let pending = self.begin_restore();
        self.end_restore(pending)
    }

    /// Discards everything and begins to open the snapshots.
    pub(super) fn begin_restore(&mut self) -> PendingOpened {
        self.forget();
        self.store.open()
    }

    pub(super) fn end_restore(&mut self, pending: PendingOpened) -> Result<(), SnapshotError> {
        match pending.blocking_recv().unwrap_or(Err(SnapshotError::Stopped)) {
            Ok(opened) => {
                self.start_from(opened);
                Ok(())
            }
            Err(error) => {
                self.opening = Some(Opening { pending: None, tried_at: Instant::now() });
                Err(error)
            }
        }
    }

    fn start_from(&mut self, Opened { checkpoint, evicted }: Opened) {
        (self.next_offset, self.continuity) = (checkpoint.next_offset, checkpoint.continuity);
        self.aggregates = checkpoint.aggregates;
        self.write_behind = WriteBehind::new(checkpoint.next_offset);
        (self.evicted, self.evicted_when_restored) = (UnsavedCommands::new(evicted), evicted);
        if checkpoint.aggregates > 0 {
            self.pending_ids = Some(self.store.read_ids(self.saved_ids.empty(), checkpoint.next_offset));
            self.collect_ids();
        }
    }

    /// Takes the ids of all snapshots once they are read.
    pub(super) fn collect_ids(&mut self) {
        if let Some(Ok(ids)) = self.pending_ids.as_mut().map(PendingIds::try_recv) {
            self.saved_ids.add_all(ids);
            self.pending_ids = None;
        }
    }

    /// Whether the snapshots are open. If not, all aggregates are in memory, and nothing is saved.
    pub fn is_open(&self) -> bool {
        self.opening.is_none()
    }

    /// Tries from time to time to open snapshots that could not be opened, and goes on with them and what is in memory.
    /// Never blocks. Returns whether they were opened now.
    ///
    /// [`SnapshotError::Reopened`] means that the cache must be [restored](Self::restore) from them: not everything that
    /// they lack is in memory, or they are ahead of what was read. In the latter case they stay closed unless
    /// `may_skip`, because then the events in between are not read.
    pub fn reopen(&mut self, may_skip: bool) -> Result<bool, SnapshotError> {
        let Some(opening) = &mut self.opening else { return Ok(false) };
        let answer = opening.pending.as_mut().map(PendingOpened::try_recv);
        if !matches!(answer, Some(Err(TryRecvError::Empty))) {
            opening.pending = None;
        }
        if let Some(Ok(Ok(opened))) = answer {
            return self.join(opened, may_skip);
        }
        if opening.tried_at.elapsed() >= self.settings.load_pause {
            opening.tried_at = Instant::now();
            opening.pending.get_or_insert_with(|| self.store.open());
        }
        Ok(false)
    }

    /// Goes on with opened snapshots and with what is in memory.
    fn join(&mut self, opened: Opened, may_skip: bool) -> Result<bool, SnapshotError> {
        let Opened { checkpoint, evicted } = opened;
        let (is_ahead, lacks_commands) = (evicted > self.next_offset, evicted < self.evicted.saved());
        if lacks_commands || (is_ahead && may_skip) {
            return Err(SnapshotError::Reopened);
        }
        if is_ahead {
            // Another instance has read further, or they belong to another log, which the next claim finds out.
            warn!(
                evicted,
                next_offset = self.next_offset,
                "the snapshots are ahead of the log, and not used yet"
            );
            return Ok(false);
        }
        self.opening = None;
        self.write_behind = WriteBehind::new(checkpoint.next_offset);
        // What they contain is saved; the rest waits for the next save.
        drop((self.entries.begin_save(), self.evicted.begin_save()));
        self.entries.end_save(checkpoint.next_offset);
        self.evicted.end_save(evicted);
        Ok(true)
    }
}
