//! Snapshots in memory that outlive instances, may be saved late, and can be set back, as a database that loses its
//! last transactions.

use std::sync::{Arc, Mutex, MutexGuard};

use aggregate::AggregateId;
use command_engine::{Aggregates, Checkpoint, PendingSave, Save, Saved, SnapshotError, SnapshotStore};
use tokio::sync::oneshot;

use crate::account::{Account, State};

type SaveReply = oneshot::Sender<Result<Saved, SnapshotError>>;

/// The snapshots of a partition. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct SharedSnapshots(Arc<Mutex<Stored>>);

#[derive(Default)]
struct Stored {
    now: Rows,
    earlier: Vec<Rows>,
    /// Whether saves stay pending until they are [ended](SharedSnapshots::end_save).
    late: bool,
    pending: Vec<(Save<State>, SaveReply)>,
}

#[derive(Clone, Default)]
struct Rows {
    checkpoint: Checkpoint,
    saved_by: u64,
    aggregates: Aggregates<State>,
}

impl SharedSnapshots {
    pub(crate) fn new(late: bool) -> Self {
        Self(Arc::new(Mutex::new(Stored { late, ..Stored::default() })))
    }

    /// How many saves are pending.
    pub(crate) fn pending(&self) -> usize {
        self.lock().pending.len()
    }

    /// Ends a pending save.
    pub(crate) fn end_save(&self, index: usize) {
        let mut stored = self.lock();
        let (save, reply) = stored.pending.remove(index);
        // The instance may be gone.
        let saved = stored.save(&save);
        let _ = reply.send(saved);
    }

    /// Loses the last save.
    pub(crate) fn set_back(&self) {
        let mut stored = self.lock();
        stored.now = stored.earlier.pop().unwrap_or_default();
    }

    fn lock(&self) -> MutexGuard<'_, Stored> {
        self.0.lock().unwrap()
    }
}

impl Stored {
    /// Follows the rules of the snapshots in Postgres.
    fn save(&mut self, save: &Save<State>) -> Result<Saved, SnapshotError> {
        let reached = self.now.checkpoint.next_offset;
        if self.now.saved_by > save.epoch {
            return Ok(Saved::Superseded(reached));
        }
        if reached < save.from {
            return Err(SnapshotError::Lost);
        }
        if reached <= save.to.next_offset {
            self.earlier.push(self.now.clone());
            (self.now.checkpoint, self.now.saved_by) = (save.to, save.epoch);
            let changed = save.changed.iter().map(|(id, cached)| (id.clone(), cached.clone()));
            self.now.aggregates.extend(changed);
        }
        Ok(Saved::UpTo(self.now.checkpoint.next_offset))
    }
}

impl SnapshotStore<Account> for SharedSnapshots {
    fn open(&mut self, cached: &mut dyn FnMut(&str)) -> Result<Checkpoint, SnapshotError> {
        let stored = self.lock();
        stored.now.aggregates.keys().for_each(|id| cached(id.as_str()));
        Ok(stored.now.checkpoint)
    }

    fn load(&mut self, ids: &[AggregateId], saved: i64) -> Result<Aggregates<State>, SnapshotError> {
        let Rows { checkpoint, aggregates, .. } = &self.lock().now;
        if checkpoint.next_offset < saved {
            return Err(SnapshotError::Lost);
        }
        let row = |id: &AggregateId| Some((id.clone(), aggregates.get(id)?.clone()));
        Ok(ids.iter().filter_map(row).collect())
    }

    fn save(&mut self, save: Save<State>) -> PendingSave {
        let (reply, pending) = oneshot::channel();
        let mut stored = self.lock();
        stored.pending.push((save, reply));
        let (late, last) = (stored.late, stored.pending.len() - 1);
        drop(stored);
        if !late {
            self.end_save(last);
        }
        pending
    }
}
