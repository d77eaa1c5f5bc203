//! Who has a command: the caller, who may give it up while it waits, or the thread that decides it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use aggregate::{Aggregate, AggregateId};
use tokio::{
    sync::oneshot,
    time::{Instant as TokioInstant, timeout_at},
};
use uuid::Uuid;

use crate::{Accepted, CommandError, CommandRequest};

/// What the caller gets.
pub(crate) type Answer<A> = Result<Accepted, CommandError<<A as Aggregate>::Refusal>>;

/// A command in the queue.
pub(crate) struct Pending<A: Aggregate> {
    pub(crate) request: CommandRequest<A::Command>,
    taken: Arc<AtomicBool>,
    reply: oneshot::Sender<Answer<A>>,
}

/// The caller's end of a command in the queue. Dropping it gives the command up, if its turn has not come.
pub(crate) struct Ticket<A: Aggregate> {
    deadline: Instant,
    taken: Arc<AtomicBool>,
    reply: oneshot::Receiver<Answer<A>>,
}

/// Both ends of a command.
pub(crate) fn issue<A: Aggregate>(request: CommandRequest<A::Command>) -> (Pending<A>, Ticket<A>) {
    let (sender, receiver) = oneshot::channel();
    let taken = Arc::new(AtomicBool::new(false));
    let ticket = Ticket { deadline: request.deadline, taken: Arc::clone(&taken), reply: receiver };
    (Pending { request, taken, reply: sender }, ticket)
}

impl<A: Aggregate> Pending<A> {
    /// Takes the command to decide it, unless its caller has given it up. From here on only the log knows.
    pub(crate) fn take(self) -> Option<Self> {
        if self.taken.swap(true, Ordering::AcqRel) { None } else { Some(self) }
    }

    /// The command, unless its caller has gone.
    pub(crate) fn still_wanted(self) -> Option<Self> {
        if self.reply.is_closed() { None } else { Some(self) }
    }

    /// What makes the command the same as another.
    pub(crate) fn key(&self) -> (AggregateId, Uuid) {
        (self.request.aggregate_id.clone(), self.request.metadata.command_id)
    }

    /// Answers the caller, who may have gone.
    pub(crate) fn answer(self, answer: Answer<A>) {
        drop(self.reply.send(answer));
    }
}

impl<A: Aggregate> Ticket<A> {
    /// Waits for the answer until the deadline.
    pub(crate) async fn wait(mut self) -> Answer<A> {
        match timeout_at(TokioInstant::from_std(self.deadline), &mut self.reply).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Err(self.give_up()),
        }
    }

    fn give_up(&self) -> CommandError<A::Refusal> {
        if self.taken.swap(true, Ordering::AcqRel) {
            CommandError::OutcomeUnknown
        } else {
            CommandError::Expired
        }
    }
}

impl<A: Aggregate> Drop for Ticket<A> {
    fn drop(&mut self) {
        self.taken.store(true, Ordering::Release);
    }
}
