//! Snapshots in memory that outlive instances, may be saved late or discarded, and can lose their last save, like a
//! database that loses its last transactions.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use aggregate::AggregateId;
use command_engine::{
    Aggregates, Checkpoint, CommandKey, CompletedCommand, IdFilter, Opened, PendingCommands, PendingIds,
    PendingOpened, PendingSave, Save, Saved, SnapshotError, SnapshotStore,
};
use tokio::sync::oneshot;

use crate::{
    account::{Account, State},
    planted_bug::PlantedBug,
};

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
    /// Whether nothing can be opened or looked up.
    is_down: bool,
    bug: Option<PlantedBug>,
}

#[derive(Clone, Default)]
struct Rows {
    checkpoint: Checkpoint,
    saved_by: u64,
    aggregates: Aggregates<State>,
    evicted: HashMap<CommandKey, CompletedCommand>,
    evicted_checkpoint: i64,
}

impl SharedSnapshots {
    pub(crate) fn new(delayed: bool, bug: Option<PlantedBug>) -> Self {
        Self(Arc::new(Mutex::new(Stored { delayed, bug, ..Stored::default() })))
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

    /// Discards the snapshots, but not the evicted commands.
    pub(crate) fn discard(&self) {
        let current = &mut self.lock().current;
        (current.checkpoint, current.saved_by, current.aggregates) = Default::default();
    }

    /// Goes down for new owners and look-ups, or comes up again.
    pub(crate) fn toggle_down(&self) {
        self.lock().is_down ^= true;
    }

    /// Comes up again.
    pub(crate) fn come_up(&self) {
        self.lock().is_down = false;
    }

    fn lock(&self) -> MutexGuard<'_, Stored> {
        self.0.lock().unwrap()
    }
}

impl Stored {
    fn save_evicted(&mut self, save: &Save<State>) {
        let Rows { evicted, evicted_checkpoint, .. } = &mut self.current;
        *evicted_checkpoint = save.to.next_offset.max(*evicted_checkpoint);
        if self.bug != Some(PlantedBug::DropsEvictedCommands) {
            let saved = save.evicted.iter().map(|(key, command)| (key.clone(), command.completed.clone()));
            evicted.extend(saved);
        }
    }

    /// Follows the rules of the snapshots in Postgres.
    fn save(&mut self, save: &Save<State>) -> Result<Saved, SnapshotError> {
        let next_offset = self.current.checkpoint.next_offset;
        if self.current.saved_by > save.epoch {
            return Ok(Saved::Superseded(next_offset));
        }
        if next_offset < save.from || self.current.evicted_checkpoint < save.evicted_from {
            return Err(SnapshotError::Lost);
        }
        if next_offset <= save.to.next_offset {
            self.earlier.push(self.current.clone());
            (self.current.checkpoint, self.current.saved_by) = (save.to, save.epoch);
            let changed = save.changed.iter().map(|(id, cached)| (id.clone(), cached.clone()));
            self.current.aggregates.extend(changed);
            self.save_evicted(save);
        }
        Ok(Saved::UpTo(self.current.checkpoint.next_offset))
    }
}

impl SnapshotStore<Account> for SharedSnapshots {
    fn open(&mut self) -> PendingOpened {
        let (reply, pending) = oneshot::channel();
        let stored = self.lock();
        let Rows { checkpoint, evicted_checkpoint, .. } = stored.current;
        let opened = Opened { checkpoint, evicted: evicted_checkpoint };
        reply.send(if stored.is_down { Err(SnapshotError::Pausing) } else { Ok(opened) }).unwrap();
        pending
    }

    /// Where saves are delayed, the ids are never read.
    fn read_ids(&mut self, mut ids: IdFilter, saved: i64) -> PendingIds {
        let (reply, pending) = oneshot::channel();
        let stored = self.lock();
        if !stored.delayed && stored.current.checkpoint.next_offset >= saved {
            for id in stored.current.aggregates.keys() {
                ids.insert(id.as_str());
            }
            reply.send(ids).unwrap();
        }
        pending
    }

    fn find_commands(&mut self, keys: Vec<CommandKey>, saved: i64) -> PendingCommands {
        let (reply, pending) = oneshot::channel();
        let stored = self.lock();
        let evicted = &stored.current.evicted;
        let found = if stored.is_down {
            Err(SnapshotError::Pausing)
        } else if stored.current.evicted_checkpoint < saved {
            Err(SnapshotError::Lost)
        } else {
            let found = |key: CommandKey| evicted.get(&key).cloned().map(|command| (key, command));
            Ok(keys.into_iter().filter_map(found).collect())
        };
        // The receiver may be gone.
        let _ = reply.send(found);
        pending
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
