//! What the thread finds on its mailbox, and what it tells of itself.

use std::{
    sync::MutexGuard,
    time::{Duration, Instant},
};

use aggregate::Aggregate;
use event_log::Claimed;

use super::{DesiredOwnership, Mailbox, Ownership, Source, Stage, State};
use crate::{Delivery, metrics, queued_command::QueuedCommand};

/// What the thread does next while it owns its partition.
pub(crate) enum Turn<A: Aggregate> {
    /// Decide these.
    Group(Vec<QueuedCommand<A>>),
    /// There was nothing to do for a while.
    Idle,
    /// The ownership ends.
    Over,
}

/// How often an owner that serves on for the next one, and has nothing to do, looks whether it is there.
const LOOK_FOR_NEXT: Duration = Duration::from_millis(50);

impl<A: Aggregate> Mailbox<A> {
    /// Waits until the partition is to be owned; false if the engine ends. A wish that has stood since before `rest`
    /// began is heard only when it is over.
    pub(crate) fn await_wish(&self, rest: Option<Instant>) -> bool {
        let mut state = self.lock();
        loop {
            let left = rest.map_or(Duration::ZERO, |end| end.saturating_duration_since(Instant::now()));
            match state.wish {
                _ if state.closing => return false,
                DesiredOwnership::Owned | DesiredOwnership::TakenOver if state.fresh || left.is_zero() => {
                    return true;
                }
                DesiredOwnership::Owned | DesiredOwnership::TakenOver => state = self.wait(state, Some(left)),
                DesiredOwnership::Elsewhere | DesiredOwnership::HandedOver => state = self.wait(state, None),
            }
        }
    }

    /// Whether the partition is still to be claimed.
    pub(crate) fn wants(&self) -> bool {
        self.lock().wants()
    }

    /// Whether a claim may settle what is in doubt: the partition is wanted, or served on and not taken by anybody.
    pub(crate) fn may_claim_again(&self, fenced: bool) -> bool {
        let state = self.lock();
        match state.wish {
            DesiredOwnership::Owned => !state.dismissed,
            DesiredOwnership::TakenOver | DesiredOwnership::HandedOver => !fenced && !state.dismissed,
            DesiredOwnership::Elsewhere => false,
        }
    }

    /// Whether the engine ends.
    pub(crate) fn is_closing(&self) -> bool {
        self.lock().closing
    }

    /// Pauses between two claims, until something else is wished.
    pub(crate) fn pause(&self, pause: Duration) {
        let state = self.lock();
        let wish = state.wish;
        let same = |state: &mut State<A>| state.wish == wish && !state.closing && !state.dismissed;
        drop(self.changed.wait_timeout_while(state, pause, same));
    }

    /// Says why the partition is not owned yet; others may have it meanwhile.
    pub(crate) fn show_warming(&self, why: &str) {
        let mut state = self.lock();
        if state.wants() {
            state.stage = Stage::Elsewhere;
            state.shown.send_replace(Ownership::Claiming(why.to_owned()));
        }
    }

    /// The claim begins; false if the wish has gone.
    pub(crate) fn begin_claim(&self) -> bool {
        let mut state = self.lock();
        let wanted = state.wants();
        if wanted {
            state.stage = Stage::Claiming;
        }
        wanted
    }

    /// Nothing is known for sure any more.
    pub(crate) fn show_doubt(&self, why: &str) {
        let mut state = self.lock();
        state.stage = Stage::Claiming;
        // They are read again for the next ownership.
        state.deliveries.clear();
        if !state.dismissed {
            state.shown.send_replace(Ownership::Claiming(why.to_owned()));
        }
    }

    /// The claim has come about.
    pub(crate) fn show_owned(&self, claimed: Claimed) {
        let mut state = self.lock();
        let Claimed { epoch, next_command } = claimed;
        (state.stage, state.next_delivery) = (Stage::Owned { epoch }, next_command);
        if !state.dismissed {
            state.fresh = false;
            state.shown.send_replace(Ownership::Owned { epoch, next_command });
        }
    }

    /// What to do next: a group, as large as there is something for it, or nothing until `until`.
    pub(crate) fn next(&self, until: Option<Instant>) -> Turn<A> {
        let begun = Instant::now();
        let mut state = self.lock();
        state.pace.end(begun);
        loop {
            let now = Instant::now();
            if state.is_over() {
                return Turn::Over;
            }
            if state.has_work(now) {
                break;
            }
            let look = state.is_served_on().then(|| begun + LOOK_FOR_NEXT);
            let until = until.into_iter().chain(look).min();
            if until.is_some_and(|until| until <= now) {
                return Turn::Idle;
            }
            let ends = until.into_iter().chain(state.held_until).min();
            state = self.wait(state, ends.map(|end| end.saturating_duration_since(now)));
        }
        let group = state.group(self.settings.max_group);
        state.pace.begin(Instant::now());
        metrics::waiting(self.partition, state.queue.len());
        Turn::Group(group)
    }

    /// Whether the partition is served only until its next owner is there.
    pub(crate) fn is_served_on(&self) -> bool {
        self.lock().is_served_on()
    }

    /// Puts deliveries back that cannot be decided yet, to be tried again after a pause.
    pub(crate) fn put_back(&self, undecidable: Vec<QueuedCommand<A>>, pause: Duration) {
        let mut state = self.lock();
        if undecidable.is_empty() || !state.wish.is_to_own() {
            return;
        }
        for waiting in undecidable.into_iter().rev() {
            if let QueuedCommand::Delivered(delivery) = waiting {
                state.deliveries.push_front(delivery);
            }
        }
        state.held_until = Some(Instant::now() + pause);
    }

    fn wait<'s>(
        &self,
        state: MutexGuard<'s, State<A>>,
        timeout: Option<Duration>,
    ) -> MutexGuard<'s, State<A>> {
        let poisoned = "nobody panics with the lock in hand";
        match timeout {
            Some(timeout) => self.changed.wait_timeout(state, timeout).expect(poisoned).0,
            None => self.changed.wait(state).expect(poisoned),
        }
    }
}

impl<A: Aggregate> State<A> {
    fn is_served_on(&self) -> bool {
        self.wish.is_until_replaced()
    }

    fn wants(&self) -> bool {
        self.wish.is_to_own() && !self.closing && !self.dismissed
    }

    fn is_over(&self) -> bool {
        self.dismissed || (self.closing && self.queue.len() == 0)
    }

    fn has_work(&self, now: Instant) -> bool {
        self.queue.len() > 0 || (!self.deliveries.is_empty() && !self.is_held(now))
    }

    fn is_held(&self, now: Instant) -> bool {
        self.held_until.is_some_and(|until| now < until)
    }

    /// Takes the next group: callers and deliveries by turns, as long as there are both.
    fn group(&mut self, most: usize) -> Vec<QueuedCommand<A>> {
        let held = self.is_held(Instant::now());
        let mut group = Vec::with_capacity(most.min(self.queue.len() + self.deliveries.len()));
        while group.len() < most {
            let delivered = |state: &mut Self| if held { None } else { state.next_delivered() };
            let (next, turn) = match self.turn {
                Source::Kafka => (delivered(self).or_else(|| self.next_asked()), Source::Caller),
                Source::Caller => (self.next_asked().or_else(|| delivered(self)), Source::Kafka),
            };
            let Some(next) = next else { break };
            self.turn = turn;
            group.push(next);
        }
        group
    }

    fn next_asked(&mut self) -> Option<QueuedCommand<A>> {
        self.queue.pop().map(QueuedCommand::Caller)
    }

    fn next_delivered(&mut self) -> Option<QueuedCommand<A>> {
        self.deliveries.pop_front().map(|delivery: Delivery<A>| QueuedCommand::Delivered(delivery))
    }
}
