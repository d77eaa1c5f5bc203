use aggregate::Aggregate;
use tokio::sync::oneshot;

use crate::{Accepted, CommandError, CommandKey, CommandRequest, Delivery};

/// The answer to a caller.
pub type Answer<A> = Result<Accepted, CommandError<<A as Aggregate>::Refusal>>;

/// A command in the queue.
pub enum QueuedCommand<A: Aggregate> {
    /// A caller waits for the answer.
    Caller(PendingCommand<A>),
    /// It came through Kafka; its answer goes to the outcomes topic.
    Delivered(Delivery<A>),
}

/// A command and its caller, who may have gone meanwhile.
pub struct PendingCommand<A: Aggregate> {
    pub(crate) request: CommandRequest<A::Command>,
    reply: oneshot::Sender<Answer<A>>,
}

impl<A: Aggregate> PendingCommand<A> {
    /// Both ends of a command.
    pub(crate) fn new(request: CommandRequest<A::Command>) -> (Self, oneshot::Receiver<Answer<A>>) {
        let (reply, receiver) = oneshot::channel();
        (Self { request, reply }, receiver)
    }

    /// Whether the caller still waits.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.reply.is_closed()
    }

    /// Answers the caller, who may have gone.
    pub(crate) fn answer(self, answer: Answer<A>) {
        drop(self.reply.send(answer));
    }
}

impl<A: Aggregate> QueuedCommand<A> {
    /// A command with a caller, and the receiver of its answer.
    pub fn caller(request: CommandRequest<A::Command>) -> (Self, oneshot::Receiver<Answer<A>>) {
        let (pending, receiver) = PendingCommand::new(request);
        (Self::Caller(pending), receiver)
    }

    /// Answers a caller with an error. A delivered command is dropped, because it is still in its topic.
    pub fn fail(self, error: CommandError<A::Refusal>) {
        if let Self::Caller(pending) = self {
            pending.answer(Err(error));
        }
    }

    /// The request, if it could be decoded.
    pub(crate) fn request(&self) -> Option<&CommandRequest<A::Command>> {
        match self {
            Self::Caller(pending) => Some(&pending.request),
            Self::Delivered(delivery) => delivery.command.as_ref().ok(),
        }
    }
}

impl<C> CommandRequest<C> {
    pub(crate) fn key(&self) -> CommandKey {
        (self.aggregate_id.clone(), self.metadata.command_id)
    }
}
