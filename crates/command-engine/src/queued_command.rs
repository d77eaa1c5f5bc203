use aggregate::{Aggregate, AggregateId};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::{Accepted, CommandError, CommandRequest, Delivery};

/// What a caller gets.
pub type Answer<A> = Result<Accepted, CommandError<<A as Aggregate>::Refusal>>;

/// What makes a command the same as another.
pub(crate) type Key = (AggregateId, Uuid);

/// A command that waits for what becomes of it.
pub enum QueuedCommand<A: Aggregate> {
    /// Somebody listens for the answer.
    Caller(Pending<A>),
    /// It came through Kafka; the answer goes into the outcomes topic.
    Delivered(Delivery<A>),
}

/// A command whose caller listens, or has gone meanwhile.
pub struct Pending<A: Aggregate> {
    pub(crate) request: CommandRequest<A::Command>,
    reply: oneshot::Sender<Answer<A>>,
}

impl<A: Aggregate> Pending<A> {
    /// Both ends of a command.
    pub(crate) fn new(request: CommandRequest<A::Command>) -> (Self, oneshot::Receiver<Answer<A>>) {
        let (reply, receiver) = oneshot::channel();
        (Self { request, reply }, receiver)
    }

    /// Whether the caller still listens.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.reply.is_closed()
    }

    /// Answers the caller, who may have gone.
    pub(crate) fn answer(self, answer: Answer<A>) {
        drop(self.reply.send(answer));
    }
}

impl<A: Aggregate> QueuedCommand<A> {
    /// A command with a caller, and where the caller listens.
    pub fn caller(request: CommandRequest<A::Command>) -> (Self, oneshot::Receiver<Answer<A>>) {
        let (pending, receiver) = Pending::new(request);
        (Self::Caller(pending), receiver)
    }

    /// Answers with an error. A delivered command is dropped: it is still in its topic.
    pub fn turn_away(self, error: CommandError<A::Refusal>) {
        if let Self::Caller(pending) = self {
            pending.answer(Err(error));
        }
    }

    /// What is asked for, if it could be read.
    pub(crate) fn request(&self) -> Option<&CommandRequest<A::Command>> {
        match self {
            Self::Caller(pending) => Some(&pending.request),
            Self::Delivered(delivery) => delivery.command.as_ref().ok(),
        }
    }
}

impl<C> CommandRequest<C> {
    pub(crate) fn key(&self) -> Key {
        (self.aggregate_id.clone(), self.metadata.command_id)
    }
}
