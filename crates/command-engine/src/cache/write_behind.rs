//! Saves changed aggregates to the snapshots in the background. It must never delay a command.

use std::time::{Duration, Instant};

use aggregate::Aggregate;
use tokio::sync::oneshot::error::TryRecvError;
use tracing::{info, warn};

use super::{AggregateCache, CacheSettings};
use crate::snapshots::{Checkpoint, PendingSave, Save, Saved, SnapshotError};

/// The pause after the first failed save; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause after a failed save.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The progress of the snapshots, and the save under way.
pub(super) struct WriteBehind {
    /// The offset up to which everything is saved.
    pub(super) saved: i64,
    /// The epoch of the save under way, and its result to come.
    under_way: Option<(u64, PendingSave)>,
    /// When a save last began, or was due and could not begin.
    last_due: Instant,
    /// Zero unless the last save failed.
    pause: Duration,
    /// The epoch whose save found that a newer owner saves.
    superseded: Option<u64>,
}

impl WriteBehind {
    pub(super) fn new(saved: i64) -> Self {
        Self { saved, under_way: None, last_due: Instant::now(), pause: Duration::ZERO, superseded: None }
    }

    /// Records the result of a save, and logs it if saving starts to fail or works again.
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
                    warn!(%error, "snapshots cannot be saved; retrying");
                }
                self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
            }
        }
    }
}

impl<A: Aggregate> AggregateCache<A> {
    /// Begins a save if one is due and none is under way, and collects the result of one that has ended. Never blocks.
    /// The owner calls it between groups, with its epoch.
    ///
    /// [`SnapshotError::Lost`] means that the cache must be [restored](Self::restore). Other errors are logged, and the
    /// save is repeated later.
    pub fn write_behind(&mut self, epoch: u64) -> Result<(), SnapshotError> {
        if !self.is_open() {
            return Ok(());
        }
        self.collect()?;
        if self.write_behind.superseded.is_some_and(|superseded| superseded != epoch) {
            self.write_behind.superseded = None;
        }
        if self.due().is_none_or(|due| due > Instant::now()) {
            return Ok(());
        }
        // Set it even if no save can begin now: a caller that waits until one is due must not find it due for ever.
        self.write_behind.last_due = Instant::now();
        if self.write_behind.under_way.is_none() && self.write_behind.superseded.is_none() {
            self.write_behind.under_way = Some((epoch, self.begin_save(epoch)));
        }
        Ok(())
    }

    /// When to save, or to open the snapshots again, even if nothing happens until then; `None` if everything is saved.
    pub fn due(&self) -> Option<Instant> {
        if let Some(opening) = &self.opening {
            return Some(opening.due(&self.settings));
        }
        let WriteBehind { under_way, superseded, last_due, pause, .. } = &self.write_behind;
        let nothing_to_do = self.entries.unsaved() == 0 || !self.store.is_persistent();
        if nothing_to_do {
            return None;
        }
        let can_begin = under_way.is_none() && superseded.is_none();
        let wait = if can_begin { self.wait_for_changes() } else { self.settings.save_interval };
        Some(*last_due + wait.max(*pause))
    }

    /// How long after the last save the changes so far are to be saved.
    fn wait_for_changes(&self) -> Duration {
        let CacheSettings { max_aggregates, max_bytes, max_evicted_commands, save_changes, .. } =
            self.settings;
        let (changed, evicted) = (self.entries.changed(), self.evicted.recent());
        let is_short_of_memory = changed >= max_aggregates / 2
            || self.entries.changed_bytes() >= max_bytes / 2
            || evicted >= max_evicted_commands / 2;
        if is_short_of_memory {
            Duration::ZERO
        } else if changed.max(evicted) >= save_changes {
            self.settings.save_pause.min(self.settings.save_interval)
        } else {
            self.settings.save_interval
        }
    }

    /// Saves what has changed and waits for it. If a newer owner has saved, anything beyond that save stays unsaved.
    pub fn save_now(&mut self, epoch: u64) -> Result<(), SnapshotError> {
        if !self.is_open() {
            return Err(SnapshotError::NotOpen);
        }
        if let Some((epoch, pending)) = self.write_behind.under_way.take() {
            self.await_save(epoch, pending)?;
        }
        if self.store.is_persistent() && self.entries.unsaved() > 0 {
            let pending = self.begin_save(epoch);
            self.await_save(epoch, pending)?;
        }
        Ok(())
    }

    /// Collects the result of a save that has ended.
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
        self.write_behind.last_due = Instant::now();
        let Self { next_offset, continuity, aggregates, .. } = *self;
        let to = Checkpoint { next_offset, continuity, aggregates };
        let (changed, evicted) = (self.entries.begin_save(), self.evicted.begin_save());
        let (from, evicted_from) = (self.write_behind.saved, self.evicted.saved());
        self.store.save(Save { changed, from, evicted, evicted_from, to, epoch })
    }

    fn await_save(&mut self, epoch: u64, pending: PendingSave) -> Result<(), SnapshotError> {
        let result = pending.blocking_recv().unwrap_or(Err(SnapshotError::Stopped));
        self.end_save(epoch, result)
    }

    fn end_save(&mut self, epoch: u64, result: Result<Saved, SnapshotError>) -> Result<(), SnapshotError> {
        self.write_behind.ended(epoch, &result);
        // Even after a failed save, everything up to the known offset is saved.
        self.entries.end_save(self.write_behind.saved);
        self.evicted.end_save(self.write_behind.saved);
        result.map(|_| ())
    }
}
