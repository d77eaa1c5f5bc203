//! Saving behind the writer: what has changed goes to the snapshots now and then, while commands go on.

use std::time::{Duration, Instant};

use aggregate::Aggregate;
use tokio::sync::oneshot::error::TryRecvError;
use tracing::{info, warn};

use super::AggregateCache;
use crate::snapshots::{Checkpoint, PendingSave, Save, Saved, SnapshotError};

/// The pause after the first failed save; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause between two saves that fail.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How far the snapshots are, and the save that is under way.
pub(super) struct WriteBehind {
    /// The offset up to which everything is saved.
    pub(super) saved: i64,
    /// The epoch that saves, and the answer to come.
    under_way: Option<(u64, PendingSave)>,
    last_begun: Instant,
    /// No pause unless the last save has failed.
    pause: Duration,
    /// The ownership that a newer one has superseded.
    superseded: Option<u64>,
}

impl WriteBehind {
    pub(super) fn new(saved: i64) -> Self {
        Self { saved, under_way: None, last_begun: Instant::now(), pause: Duration::ZERO, superseded: None }
    }

    /// Takes note of how a save has ended, and tells once when that changes.
    fn ended(&mut self, epoch: u64, result: &Result<Saved, SnapshotError>) {
        match *result {
            Ok(Saved::UpTo(offset)) => {
                if !self.pause.is_zero() {
                    info!(next_offset = offset, "snapshots are saved again");
                }
                (self.saved, self.pause) = (offset, Duration::ZERO);
            }
            Ok(Saved::Superseded(offset)) => {
                info!(epoch, "a newer owner saves the snapshots");
                (self.saved, self.superseded) = (offset, Some(epoch));
            }
            Err(ref error) => {
                if self.pause.is_zero() {
                    warn!(%error, "snapshots cannot be saved; the next tries come after pauses");
                }
                self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
            }
        }
    }
}

impl<A: Aggregate> AggregateCache<A> {
    /// Begins a save if one is due and none is under way, and takes note of one that has ended. It never waits. To be
    /// called between groups by whoever owns the partition, with the epoch of this ownership.
    ///
    /// [`SnapshotError::Lost`] means that the cache must be [restored](Self::restore). Other errors are told in the
    /// log, and tried again.
    pub fn write_behind(&mut self, epoch: u64) -> Result<(), SnapshotError> {
        self.collect()?;
        let due = self.due().is_some_and(|due| due <= Instant::now());
        if due && self.write_behind.under_way.is_none() && self.write_behind.superseded != Some(epoch) {
            self.write_behind.under_way = Some((epoch, self.begin_save(epoch)));
        }
        Ok(())
    }

    /// When [`write_behind`](Self::write_behind) is to be called next, though nothing has happened meanwhile; not at
    /// all if everything is saved.
    pub fn due(&self) -> Option<Instant> {
        let WriteBehind { under_way, last_begun, pause, .. } = &self.write_behind;
        let nothing_to_do = self.entries.unsaved() == 0 || !self.store.keeps();
        if nothing_to_do {
            return None;
        }
        let many = under_way.is_none() && self.entries.changed() >= self.settings.save_changes;
        let wait = if many { Duration::ZERO } else { self.settings.save_interval };
        Some(*last_begun + wait.max(*pause))
    }

    /// Saves what has changed, and waits for it: before a long stop, and where nothing else makes room. If a newer
    /// owner has saved, what that owner has not saved yet stays unsaved.
    pub fn save_now(&mut self, epoch: u64) -> Result<(), SnapshotError> {
        if let Some((epoch, pending)) = self.write_behind.under_way.take() {
            self.await_save(epoch, pending)?;
        }
        if self.store.keeps() && self.entries.unsaved() > 0 {
            let pending = self.begin_save(epoch);
            self.await_save(epoch, pending)?;
        }
        Ok(())
    }

    /// Takes note of a save that has ended.
    pub(super) fn collect(&mut self) -> Result<(), SnapshotError> {
        let Some((epoch, mut pending)) = self.write_behind.under_way.take() else { return Ok(()) };
        let result = match pending.try_recv() {
            Ok(result) => result,
            Err(TryRecvError::Closed) => Err(SnapshotError::Stopped),
            Err(TryRecvError::Empty) => {
                self.write_behind.under_way = Some((epoch, pending));
                return Ok(());
            }
        };
        match self.end_save(epoch, result) {
            Err(SnapshotError::Lost) => Err(SnapshotError::Lost),
            _ => Ok(()),
        }
    }

    fn begin_save(&mut self, epoch: u64) -> PendingSave {
        self.write_behind.last_begun = Instant::now();
        let Self { next_offset, continuity, aggregates, .. } = *self;
        let to = Checkpoint { next_offset, continuity, aggregates };
        let changed = self.entries.begin_save();
        self.store.save(Save { changed, from: self.write_behind.saved, to, epoch })
    }

    fn await_save(&mut self, epoch: u64, pending: PendingSave) -> Result<(), SnapshotError> {
        let result = pending.blocking_recv().unwrap_or(Err(SnapshotError::Stopped));
        self.end_save(epoch, result)
    }

    fn end_save(&mut self, epoch: u64, result: Result<Saved, SnapshotError>) -> Result<(), SnapshotError> {
        self.write_behind.ended(epoch, &result);
        // Whether it came about or not, all that is known to be saved is saved.
        self.entries.end_save(self.write_behind.saved);
        result.map(|_| ())
    }
}
