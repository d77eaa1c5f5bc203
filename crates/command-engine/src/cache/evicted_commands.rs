//! The commands that aggregates have evicted, until they are saved. None may be dropped before: a repeated command would
//! then be taken for a new one.

use std::{collections::HashMap, mem, sync::Arc};

use aggregate::AggregateId;
use event_log::Recorded;
use time::OffsetDateTime;
use uuid::Uuid;

use super::CompletedCommand;

/// The id of a command, which counts within its aggregate.
pub type CommandKey = (AggregateId, Uuid);

/// Evicted commands by their id.
pub type EvictedCommands = HashMap<CommandKey, EvictedCommand>;

/// A command that its aggregate no longer remembers itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvictedCommand {
    /// The command and its result.
    pub completed: CompletedCommand,
    /// The offset of the event that a later command led to, for which it was evicted.
    pub offset: i64,
    /// The time of that event.
    pub time: OffsetDateTime,
}

/// The evicted commands of a partition that are not saved.
pub(super) struct UnsavedCommands {
    /// Evicted since the last save began.
    recent: EvictedCommands,
    saving: Arc<EvictedCommands>,
    /// Every command that was evicted below this offset is saved, or was dropped.
    saved: i64,
}

impl UnsavedCommands {
    pub(super) fn new(saved: i64) -> Self {
        Self { recent: HashMap::new(), saving: Arc::default(), saved }
    }

    pub(super) fn get(&self, key: &CommandKey) -> Option<&CompletedCommand> {
        let evicted = self.recent.get(key).or_else(|| self.saving.get(key))?;
        Some(&evicted.completed)
    }

    /// Adds a command that was evicted for an event, unless it is saved already.
    pub(super) fn add(&mut self, completed: CompletedCommand, evicted_for: &Recorded) {
        let (offset, time) = (evicted_for.position.offset, evicted_for.envelope.time);
        if offset >= self.saved {
            let key = (evicted_for.envelope.aggregate_id.clone(), completed.command_id);
            self.recent.insert(key, EvictedCommand { completed, offset, time });
        }
    }

    pub(super) fn len(&self) -> usize {
        self.recent.len() + self.saving.len()
    }

    /// How many were evicted since the last save began.
    pub(super) fn recent(&self) -> usize {
        self.recent.len()
    }

    /// The offset from which on every evicted command is here or saved. Those below it are only in the store.
    pub(super) const fn saved(&self) -> i64 {
        self.saved
    }

    /// Everything evicted below this offset is known to be saved.
    pub(super) fn saved_up_to(&mut self, offset: i64) {
        self.saved = self.saved.max(offset);
    }

    /// Drops everything, which was evicted up to this event, to bound memory while nothing can be saved. The store must
    /// have it, or it must be derived from the log again.
    pub(super) fn drop_up_to(&mut self, last: &Recorded) {
        self.recent.clear();
        self.saved_up_to(last.position.offset + 1);
    }

    /// Begins a save of everything.
    pub(super) fn begin_save(&mut self) -> Arc<EvictedCommands> {
        self.saving = Arc::new(mem::take(&mut self.recent));
        Arc::clone(&self.saving)
    }

    /// Ends a save. What was evicted below the offset is saved; the rest waits for the next save.
    pub(super) fn end_save(&mut self, up_to: i64) {
        self.saved_up_to(up_to);
        let saving = Arc::unwrap_or_clone(mem::take(&mut self.saving));
        self.recent.extend(saving.into_iter().filter(|(_, evicted)| evicted.offset >= up_to));
    }
}
