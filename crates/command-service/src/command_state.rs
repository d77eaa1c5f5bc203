use std::sync::Arc;

use aggregate::{Aggregate, AggregateId};
use command_engine::{Accepted, CommandError, CommandRequest};
use event_log::{Shards, partition_of};
use service_kit::Problem;

use crate::{
    Context, Settings,
    context::RefusalStatuses,
    forwarding::{ForwardContext, Forwarding},
    problems,
    write_side::WriteSideCell,
};

/// What the command routes of a service share; the state of its router. Cloning is cheap.
pub struct CommandState<A: Aggregate> {
    pub(crate) write_side: WriteSideCell<A>,
    pub(crate) forwarding: Arc<Forwarding>,
    refusal_statuses: RefusalStatuses,
    /// The partitions of the context and their shards.
    shards: Shards,
}

impl<A: Aggregate> CommandState<A> {
    pub(crate) fn new(context: &Context, settings: &Settings, write_side: WriteSideCell<A>) -> Self {
        Self {
            write_side,
            forwarding: Arc::new(Forwarding::new(settings.forwarding.clone())),
            refusal_statuses: context.refusal_statuses,
            shards: settings.log.shards,
        }
    }

    pub(crate) fn shard_of(&self, id: &AggregateId) -> i32 {
        self.shards.shard_of(partition_of(id, self.shards.partitions()))
    }

    /// Decides a command, unless this instance does not own its shard at the moment. Then nothing was written, and
    /// another instance may decide it.
    pub(crate) async fn decide_here(
        &self,
        forward: &ForwardContext,
        command: &CommandRequest<A::Command>,
    ) -> Option<Result<Accepted, Problem>> {
        let write_side = self.write_side.get()?;
        if !write_side.is_meant_by(forward, self.shard_of(&command.aggregate_id)) {
            return None;
        }
        match write_side.engine.submit(command.clone()).await {
            Ok(accepted) => Some(Ok(accepted)),
            Err(CommandError::Elsewhere | CommandError::NotReady) => None,
            Err(error) => Some(Err(problems::problem(error, self.refusal_statuses))),
        }
    }
}

impl<A: Aggregate> Clone for CommandState<A> {
    fn clone(&self) -> Self {
        Self { write_side: Arc::clone(&self.write_side), forwarding: Arc::clone(&self.forwarding), ..*self }
    }
}
