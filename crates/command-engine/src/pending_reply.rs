//! The caller's end of a command in the queue.

use std::{sync::Arc, time::Instant};

use aggregate::{Aggregate, AggregateId};
use tokio::{
    sync::oneshot,
    time::{Instant as TokioInstant, timeout_at},
};

use crate::{CommandError, mailbox::Mailbox, queued_command::Answer};

/// Waits for an answer. Dropping it gives the command up, if its turn has not come.
pub(crate) struct PendingReply<A: Aggregate> {
    pub(crate) mailbox: Arc<Mailbox<A>>,
    pub(crate) aggregate_id: AggregateId,
    pub(crate) number: u64,
    pub(crate) deadline: Instant,
    pub(crate) reply: oneshot::Receiver<Answer<A>>,
}

impl<A: Aggregate> PendingReply<A> {
    /// Waits for the answer until the deadline.
    pub(crate) async fn wait(mut self) -> Answer<A> {
        match timeout_at(TokioInstant::from_std(self.deadline), &mut self.reply).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => self.give_up(),
        }
    }

    /// Where the turn has not come, it never will. Else the answer may have come this moment.
    fn give_up(&mut self) -> Answer<A> {
        if self.mailbox.withdraw(&self.aggregate_id, self.number) {
            return Err(CommandError::Expired);
        }
        self.reply.try_recv().unwrap_or(Err(CommandError::OutcomeUnknown))
    }
}

impl<A: Aggregate> Drop for PendingReply<A> {
    fn drop(&mut self) {
        // Who has heard has nothing in the queue.
        if !self.reply.is_terminated() {
            self.mailbox.withdraw(&self.aggregate_id, self.number);
        }
    }
}
