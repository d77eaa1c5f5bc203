use std::collections::HashMap;

use aggregate::{Aggregate, AggregateId};
use tokio::sync::oneshot;

use super::{
    Aggregates, Opened, PendingCommands, PendingIds, PendingOpened, PendingSave, Save, Saved, SnapshotError,
    SnapshotStore,
};
use crate::cache::{CommandKey, IdFilter};

/// No snapshots: everything is folded from the log and stays in memory.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSnapshots;

impl<A: Aggregate> SnapshotStore<A> for NoSnapshots {
    fn is_persistent(&self) -> bool {
        false
    }

    fn open(&mut self) -> PendingOpened {
        ready(Ok(Opened::default()))
    }

    fn read_ids(&mut self, ids: IdFilter, _: i64) -> PendingIds {
        ready(ids)
    }

    fn load(&mut self, _: &[AggregateId], _: i64) -> Result<Aggregates<A::State>, SnapshotError> {
        Ok(Aggregates::new())
    }

    fn find_commands(&mut self, _: Vec<CommandKey>, _: i64) -> PendingCommands {
        ready(Ok(HashMap::new()))
    }

    fn save(&mut self, save: Save<A::State>) -> PendingSave {
        ready(Ok(Saved::UpTo(save.to.next_offset)))
    }
}

fn ready<T>(result: T) -> oneshot::Receiver<T> {
    let (sender, pending) = oneshot::channel();
    // The receiver is not gone.
    let _ = sender.send(result);
    pending
}
