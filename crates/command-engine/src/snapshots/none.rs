use std::collections::HashMap;

use aggregate::{Aggregate, AggregateId};
use tokio::sync::oneshot;

use super::{Aggregates, Opened, PendingCommands, PendingSave, Save, Saved, SnapshotError, SnapshotStore};
use crate::cache::CommandKey;

/// No snapshots: everything is folded from the log and stays in memory.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSnapshots;

impl<A: Aggregate> SnapshotStore<A> for NoSnapshots {
    fn is_persistent(&self) -> bool {
        false
    }

    fn open(&mut self, _: &mut dyn FnMut(&str)) -> Result<Opened, SnapshotError> {
        Ok(Opened::default())
    }

    fn load(&mut self, _: &[AggregateId], _: i64) -> Result<Aggregates<A::State>, SnapshotError> {
        Ok(Aggregates::new())
    }

    fn find_commands(&mut self, _: Vec<CommandKey>, _: i64) -> PendingCommands {
        let (sender, pending) = oneshot::channel();
        // The receiver may be gone.
        let _ = sender.send(Ok(HashMap::new()));
        pending
    }

    fn save(&mut self, save: Save<A::State>) -> PendingSave {
        let (sender, pending) = oneshot::channel();
        // The receiver may be gone.
        let _ = sender.send(Ok(Saved::UpTo(save.to.next_offset)));
        pending
    }
}
