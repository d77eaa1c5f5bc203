use std::sync::{Arc, OnceLock};

use aggregate::Aggregate;
use command_engine::{Engine, coordination::Coordination};
use event_log::{Codec, CommandWriter, Owners};
use tokio::sync::watch;

use crate::{forwarding::ForwardContext, outcomes::Outcomes};

/// The write side once it has started; empty until Kafka and the registry have answered.
pub(crate) type WriteSideCell<A> = Arc<OnceLock<WriteSide<A>>>;

/// Everything that executes commands.
pub(crate) struct WriteSide<A: Aggregate> {
    pub(crate) engine: Arc<Engine<A>>,
    pub(crate) codec: Arc<Codec>,
    /// Writes commands that are to be decided later.
    pub(crate) commands: CommandWriter,
    /// The outcomes of such commands.
    pub(crate) outcomes: Outcomes,
    pub(crate) coordination: Coordination<A>,
}

impl<A: Aggregate> WriteSide<A> {
    /// Who owns which shard.
    pub(crate) fn owners(&self) -> watch::Receiver<Owners> {
        self.coordination.owners()
    }

    /// Reports that the owner of some shard could not be reached.
    pub(crate) fn suspect(&self) {
        self.coordination.suspect();
    }

    /// Whether a request is for the present ownership of its shard. A forwarded request that arrives too late must
    /// not be decided: its sender may have been answered by another instance meanwhile.
    pub(crate) fn is_meant_by(&self, forward: &ForwardContext, shard: i32) -> bool {
        forward
            .owner_epoch
            .is_none_or(|epoch| self.owners().borrow().get(shard).is_some_and(|owner| owner.epoch == epoch))
    }
}
