//! The mailbox of a shard's thread: the desired ownership, the commands that wait, and the state that the thread
//! reports.

mod control;
mod worker;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
    time::{Duration, Instant},
};

use aggregate::{Aggregate, AggregateId};
use event_log::Offsets;
use tokio::sync::watch;

use crate::{
    CommandError, CommandRequest, Delivery, EngineSettings, clock::Clock, metrics,
    pending_reply::PendingReply, queue::Queue, queued_command::PendingCommand, wait_estimate::WaitEstimate,
};

pub(crate) use worker::Turn;

/// The ownership of a shard, as far as this instance knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ownership {
    /// Another instance owns it, or none.
    Elsewhere,
    /// This instance is about to claim it; the text says why it does not own it yet.
    Claiming(String),
    /// This instance owns it, and its cache is up to date.
    Owned {
        /// The epoch of the ownership. Commands from Kafka are read for one epoch.
        epoch: u64,
        /// The offset of the first command to read for it, in each partition of the shard.
        next_commands: Offsets,
    },
}

/// Connects callers and the coordination with the thread of one shard.
pub struct Mailbox<A: Aggregate> {
    shard: i32,
    pub(crate) settings: EngineSettings,
    pub(crate) clock: Arc<dyn Clock>,
    state: Mutex<State<A>>,
    /// Whether a commit has ended since the thread last looked.
    commit_ended: AtomicBool,
}

struct State<A: Aggregate> {
    desired: DesiredOwnership,
    /// Whether the desired ownership changed since the last claim.
    desired_is_new: bool,
    /// Whether the present ownership must end, whatever is desired by now.
    must_end: bool,
    /// Whether the engine is stopping.
    closing: bool,
    stage: Stage,
    queue: Queue<A>,
    deliveries: VecDeque<Delivery<A>>,
    /// The offset of the next delivery of each partition for the present ownership.
    next_deliveries: Offsets,
    /// Until when deliveries wait that could not be decided.
    retry_deliveries_at: Option<Instant>,
    /// Which queue the next command of a group is taken from, if both have one.
    next_source: Source,
    wait_estimate: WaitEstimate,
    ownership: watch::Sender<Ownership>,
}

/// What the coordination wants of this instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DesiredOwnership {
    Elsewhere,
    Owned,
    /// Own it until another instance claims it: its owner seems to be dead.
    TakenOver,
    /// Serve it until the next owner claims it.
    HandedOver,
}

impl DesiredOwnership {
    fn is_to_own(self) -> bool {
        matches!(self, Self::Owned | Self::TakenOver)
    }

    fn is_until_replaced(self) -> bool {
        matches!(self, Self::TakenOver | Self::HandedOver)
    }
}

/// Where commands come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Caller,
    Kafka,
}

/// The state of the thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Elsewhere,
    Claiming,
    Owned { epoch: u64 },
}

impl<A: Aggregate> Mailbox<A> {
    /// A mailbox for a shard that is not to be owned yet.
    pub fn new(shard: i32, settings: EngineSettings, clock: Arc<dyn Clock>) -> Self {
        let state = State {
            desired: DesiredOwnership::Elsewhere,
            desired_is_new: false,
            must_end: false,
            closing: false,
            stage: Stage::Elsewhere,
            queue: Queue::new(),
            deliveries: VecDeque::new(),
            next_deliveries: Offsets::new(),
            retry_deliveries_at: None,
            next_source: Source::Caller,
            wait_estimate: WaitEstimate::default(),
            ownership: watch::channel(Ownership::Elsewhere).0,
        };
        Self { shard, settings, clock, state: Mutex::new(state), commit_ended: AtomicBool::new(false) }
    }

    /// Enqueues a command, or returns at once why it cannot be.
    pub fn enqueue(
        self: &Arc<Self>,
        request: CommandRequest<A::Command>,
    ) -> Result<PendingReply<A>, CommandError<A::Refusal>> {
        let mut state = self.lock();
        state.admits()?;
        if let Some(reason) = self.overload(&state, &request.aggregate_id) {
            metrics::shed(self.shard, reason);
            return Err(CommandError::Overloaded);
        }
        let (aggregate_id, deadline) = (request.aggregate_id.clone(), request.deadline);
        let (pending, reply) = PendingCommand::new(request);
        let number = state.queue.push(pending);
        self.clock.wake();
        Ok(PendingReply { mailbox: Arc::clone(self), aggregate_id, number, deadline, reply })
    }

    /// Removes a command from the queue whose caller has given up. Returns false if it is no longer there.
    pub(crate) fn withdraw(&self, id: &AggregateId, number: u64) -> bool {
        self.lock().queue.withdraw(id, number)
    }

    /// Enqueues a command that came through Kafka, unless it is not for the present ownership. Returns false if the
    /// queue is full now.
    pub fn deliver(&self, delivery: Delivery<A>) -> bool {
        let mut state = self.lock();
        if state.expects(&delivery) {
            state.next_deliveries.insert(delivery.position.partition, delivery.next());
            state.deliveries.push_back(delivery);
            self.clock.wake();
        }
        state.deliveries.len() < self.settings.max_waiting
    }

    /// Whether the queue for commands from Kafka has room.
    pub(crate) fn has_room(&self) -> bool {
        self.lock().deliveries.len() < self.settings.max_waiting
    }

    /// How long the thread has been working on its current group; zero if there is none.
    pub(crate) fn group_elapsed(&self) -> Duration {
        self.lock().wait_estimate.elapsed(self.clock.now())
    }

    /// The ownership of the shard, and a way to watch it.
    pub fn ownership(&self) -> watch::Receiver<Ownership> {
        self.lock().ownership.subscribe()
    }

    /// Why one more command for an aggregate would be too much.
    fn overload(&self, state: &State<A>, id: &AggregateId) -> Option<&'static str> {
        let &EngineSettings { max_waiting, max_waiting_each, max_group, max_wait, .. } = &self.settings;
        if state.queue.len() >= max_waiting {
            Some("full")
        } else if state.queue.waiting_for(id) >= max_waiting_each {
            Some("share")
        } else if state.wait_estimate.expected(state.queue.len() / max_group, self.clock.now()) > max_wait {
            Some("slow")
        } else {
            None
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<A>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<A: Aggregate> State<A> {
    /// Whether commands of callers are accepted.
    fn admits(&self) -> Result<(), CommandError<A::Refusal>> {
        match self.stage {
            _ if self.closing || self.must_end => Err(CommandError::Elsewhere),
            Stage::Owned { .. } => Ok(()),
            Stage::Claiming if self.desired.is_to_own() => Err(CommandError::NotReady),
            Stage::Claiming | Stage::Elsewhere => Err(CommandError::Elsewhere),
        }
    }

    /// Whether a delivery is for the present ownership and not a repeat.
    fn expects(&self, delivery: &Delivery<A>) -> bool {
        let next = self.next_deliveries.get(&delivery.position.partition);
        self.stage == (Stage::Owned { epoch: delivery.epoch })
            && self.desired.is_to_own()
            && !self.must_end
            && !self.closing
            && next.is_some_and(|next| delivery.position.offset >= *next)
    }
}
