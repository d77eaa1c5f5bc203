//! Where the world meets the thread that writes a partition: what it should do, and what it has to do.

mod orders;
mod work;

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use aggregate::{Aggregate, AggregateId};
use tokio::sync::watch;

use crate::{
    CommandError, CommandRequest, Delivery, EngineSettings, metrics, pace::Pace, pending_reply::PendingReply,
    queue::Queue, queued_command::Pending,
};

pub(crate) use work::Turn;

/// Who has a partition, as far as this instance knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ownership {
    /// Another instance, or nobody.
    Elsewhere,
    /// Wanted here, and not had yet; the text says why.
    Claiming(String),
    /// It is here, and its cache is the fold of its log.
    Owned {
        /// Which ownership it is: what is read of the partition's commands is read for it.
        epoch: u64,
        /// Where to begin to read the partition's commands for it.
        next_command: i64,
    },
}

/// What waits for one partition, and what its thread is to do.
pub(crate) struct Mailbox<A: Aggregate> {
    partition: i32,
    settings: EngineSettings,
    state: Mutex<State<A>>,
    changed: Condvar,
}

struct State<A: Aggregate> {
    wish: DesiredOwnership,
    /// Whether the wish is newer than the last ownership.
    fresh: bool,
    /// Whether the present ownership is to end, whatever is wished now.
    dismissed: bool,
    /// Whether the engine ends.
    closing: bool,
    stage: Stage,
    queue: Queue<A>,
    deliveries: VecDeque<Delivery<A>>,
    /// The first offset of the partition's commands that has not been delivered to this ownership.
    next_delivery: i64,
    /// Until when deliveries wait that could not be decided.
    held_until: Option<Instant>,
    /// Whose the next place in a group is, if both have something waiting.
    turn: Source,
    pace: Pace,
    shown: watch::Sender<Ownership>,
}

/// What the group of deciders wants of this instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DesiredOwnership {
    Elsewhere,
    Owned,
    /// Own it until another claims it: its owner seems to be dead.
    TakenOver,
    /// Serve on until the next owner is there.
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

/// How far the thread is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Elsewhere,
    Claiming,
    Owned { epoch: u64 },
}

impl<A: Aggregate> Mailbox<A> {
    pub(crate) fn new(partition: i32, settings: EngineSettings) -> Self {
        let state = State {
            wish: DesiredOwnership::Elsewhere,
            fresh: false,
            dismissed: false,
            closing: false,
            stage: Stage::Elsewhere,
            queue: Queue::new(),
            deliveries: VecDeque::new(),
            next_delivery: 0,
            held_until: None,
            turn: Source::Caller,
            pace: Pace::default(),
            shown: watch::channel(Ownership::Elsewhere).0,
        };
        Self { partition, settings, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Hands a command in, or says at once why it cannot be.
    pub(crate) fn hand_in(
        self: &Arc<Self>,
        request: CommandRequest<A::Command>,
    ) -> Result<PendingReply<A>, CommandError<A::Refusal>> {
        let mut state = self.lock();
        state.admits()?;
        if let Some(reason) = self.overload(&state, &request.aggregate_id) {
            metrics::shed(self.partition, reason);
            return Err(CommandError::Overloaded);
        }
        let (aggregate_id, deadline) = (request.aggregate_id.clone(), request.deadline);
        let (pending, reply) = Pending::new(request);
        let number = state.queue.push(pending);
        self.changed.notify_all();
        Ok(PendingReply { mailbox: Arc::clone(self), aggregate_id, number, deadline, reply })
    }

    /// Takes a command out of the queue whose caller has given it up; false if its turn has come before.
    pub(crate) fn withdraw(&self, id: &AggregateId, number: u64) -> bool {
        self.lock().queue.withdraw(id, number)
    }

    /// Hands in a command that came through Kafka, unless it is not for the present ownership, which will not miss it.
    /// False if enough are waiting now.
    pub(crate) fn deliver(&self, delivery: Delivery<A>) -> bool {
        let mut state = self.lock();
        if state.expects(&delivery) {
            state.next_delivery = delivery.next();
            state.deliveries.push_back(delivery);
            self.changed.notify_all();
        }
        state.deliveries.len() < self.settings.max_waiting
    }

    /// Whether more commands that come through Kafka may be handed in.
    pub(crate) fn has_room(&self) -> bool {
        self.lock().deliveries.len() < self.settings.max_waiting
    }

    /// Who has the partition, and a way to hear of changes.
    pub(crate) fn ownership(&self) -> watch::Receiver<Ownership> {
        self.lock().shown.subscribe()
    }

    /// Why one more command for an aggregate would be too much.
    fn overload(&self, state: &State<A>, id: &AggregateId) -> Option<&'static str> {
        let &EngineSettings { max_waiting, max_waiting_each, max_group, max_wait, .. } = &self.settings;
        if state.queue.len() >= max_waiting {
            Some("full")
        } else if state.queue.waiting_for(id) >= max_waiting_each {
            Some("share")
        } else if state.pace.expected(state.queue.len() / max_group, Instant::now()) > max_wait {
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
    /// Whether commands of callers are taken in.
    fn admits(&self) -> Result<(), CommandError<A::Refusal>> {
        match self.stage {
            _ if self.closing || self.dismissed => Err(CommandError::Elsewhere),
            Stage::Owned { .. } => Ok(()),
            Stage::Claiming if self.wish.is_to_own() => Err(CommandError::NotReady),
            Stage::Claiming | Stage::Elsewhere => Err(CommandError::Elsewhere),
        }
    }

    /// Whether a delivery is the present ownership's, and new to it.
    fn expects(&self, delivery: &Delivery<A>) -> bool {
        self.stage == (Stage::Owned { epoch: delivery.epoch })
            && self.wish.is_to_own()
            && !self.dismissed
            && !self.closing
            && delivery.position.offset >= self.next_delivery
    }
}
