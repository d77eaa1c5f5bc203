//! Snapshots in memory that outlive instances, may be saved late, and can lose their last save, like a database that
//! loses its last transactions.

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
    current: Rows,
    earlier: Vec<Rows>,
    /// Whether saves stay pending until they are [finished](SharedSnapshots::finish_save).
    delayed: bool,
    pending: Vec<(Save<State>, SaveReply)>,
}

#[derive(Clone, Default)]
struct Rows {
    checkpoint: Checkpoint,
    saved_by: u64,
    aggregates: Aggregates<State>,
}

impl SharedSnapshots {
    pub(crate) fn new(delayed: bool) -> Self {
        Self(Arc::new(Mutex::new(Stored { delayed, ..Stored::default() })))
    }

    /// How many saves are pending.
    pub(crate) fn pending(&self) -> usize {
        self.lock().pending.len()
    }

    /// Finishes a pending save.
    pub(crate) fn finish_save(&self, index: usize) {
        let mut stored = self.lock();
        let (save, reply) = stored.pending.remove(index);
        // The instance may be gone.
        let saved = stored.save(&save);
        let _ = reply.send(saved);
    }

    /// Loses the last save.
    pub(crate) fn lose_last_save(&self) {
        let mut stored = self.lock();
        stored.current = stored.earlier.pop().unwrap_or_default();
    }

    fn lock(&self) -> MutexGuard<'_, Stored> {
        self.0.lock().unwrap()
    }
}

impl Stored {
    /// Follows the rules of the snapshots in Postgres.
    fn save(&mut self, save: &Save<State>) -> Result<Saved, SnapshotError> {
        let next_offset = self.current.checkpoint.next_offset;
        if self.current.saved_by > save.epoch {
            return Ok(Saved::Superseded(next_offset));
        }
        if next_offset < save.from {
            return Err(SnapshotError::Lost);
        }
        if next_offset <= save.to.next_offset {
            self.earlier.push(self.current.clone());
            (self.current.checkpoint, self.current.saved_by) = (save.to, save.epoch);
            let changed = save.changed.iter().map(|(id, cached)| (id.clone(), cached.clone()));
            self.current.aggregates.extend(changed);
        }
        Ok(Saved::UpTo(self.current.checkpoint.next_offset))
    }
}

impl SnapshotStore<Account> for SharedSnapshots {
    fn open(&mut self, on_id: &mut dyn FnMut(&str)) -> Result<Checkpoint, SnapshotError> {
        let stored = self.lock();
        stored.current.aggregates.keys().for_each(|id| on_id(id.as_str()));
        Ok(stored.current.checkpoint)
    }

    fn load(&mut self, ids: &[AggregateId], saved: i64) -> Result<Aggregates<State>, SnapshotError> {
        let Rows { checkpoint, aggregates, .. } = &self.lock().current;
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
        let (delayed, last) = (stored.delayed, stored.pending.len() - 1);
        drop(stored);
        if !delayed {
            self.finish_save(last);
        }
        pending
    }
}
