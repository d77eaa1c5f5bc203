//! The caller's side of a command in the queue.

use std::{sync::Arc, time::Instant};

use aggregate::{Aggregate, AggregateId};
use tokio::{
    sync::oneshot::{Receiver, error::TryRecvError},
    time::{Instant as TokioInstant, timeout_at},
};

use crate::{CommandError, mailbox::Mailbox, queued_command::Answer};

/// Waits for an answer. Dropping it withdraws the command if it has not been taken from the queue yet.
pub struct PendingReply<A: Aggregate> {
    pub(crate) mailbox: Arc<Mailbox<A>>,
    pub(crate) aggregate_id: AggregateId,
    pub(crate) number: u64,
    pub(crate) deadline: Instant,
    pub(crate) reply: Receiver<Answer<A>>,
}

impl<A: Aggregate> PendingReply<A> {
    /// Waits for the answer until the deadline.
    pub(crate) async fn wait(mut self) -> Answer<A> {
        match timeout_at(TokioInstant::from_std(self.deadline), &mut self.reply).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => self.give_up(),
        }
    }

    /// The answer, if it has arrived.
    pub fn try_receive(&mut self) -> Option<Answer<A>> {
        match self.reply.try_recv() {
            Ok(answer) => Some(answer),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Closed) => Some(Err(CommandError::OutcomeUnknown)),
        }
    }

    /// Withdraws the command if it is still in the queue; then it will never be decided. Otherwise returns the answer
    /// if it has just arrived.
    pub fn give_up(mut self) -> Answer<A> {
        if self.mailbox.withdraw(&self.aggregate_id, self.number) {
            return Err(CommandError::Expired);
        }
        self.reply.try_recv().unwrap_or(Err(CommandError::OutcomeUnknown))
    }
}

impl<A: Aggregate> Drop for PendingReply<A> {
    fn drop(&mut self) {
        // After an answer there is nothing in the queue.
        if !self.reply.is_terminated() {
            self.mailbox.withdraw(&self.aggregate_id, self.number);
        }
    }
}
