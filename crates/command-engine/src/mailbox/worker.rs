//! What the thread of the shard takes from its mailbox and reports to it.

use std::{
    sync::{MutexGuard, atomic::Ordering},
    time::{Duration, Instant},
};

use aggregate::Aggregate;
use event_log::Claimed;

use super::{DesiredOwnership, Mailbox, Ownership, Source, Stage, State};
use crate::{Delivery, metrics, queued_command::QueuedCommand};

/// What the owner of a shard does next.
pub(crate) enum Turn<A: Aggregate> {
    /// Decide these commands.
    Group(Vec<QueuedCommand<A>>),
    /// A commit has ended.
    Committed,
    /// There was nothing to do until the deadline.
    Idle,
    /// The ownership ends.
    Over,
}

/// How often an idle owner that is about to be replaced checks whether it has been.
const REPLACEMENT_CHECK_INTERVAL: Duration = Duration::from_millis(50);

impl<A: Aggregate> Mailbox<A> {
    /// Waits until the shard is to be owned. Returns false if the engine is stopping. Until `reclaim_at` is over, only a
    /// new request counts.
    pub(crate) fn await_ownership_request(&self, reclaim_at: Option<Instant>) -> bool {
        let mut state = self.lock();
        while !state.closing {
            let may_reclaim = reclaim_at.is_none_or(|end| end <= self.clock.now());
            if state.desired.is_to_own() && (state.desired_is_new || may_reclaim) {
                return true;
            }
            let deadline = reclaim_at.filter(|_| state.desired.is_to_own());
            state = self.wait(state, deadline);
        }
        false
    }

    /// Whether the shard is still to be claimed.
    pub(crate) fn is_wanted(&self) -> bool {
        self.lock().is_wanted()
    }

    /// Whether a claim may resolve commands in doubt: the shard is still to be owned, or is served until replaced
    /// and nobody has claimed it.
    pub(crate) fn may_claim_again(&self, fenced: bool) -> bool {
        let state = self.lock();
        match state.desired {
            DesiredOwnership::Owned => !state.must_end,
            DesiredOwnership::TakenOver | DesiredOwnership::HandedOver => !fenced && !state.must_end,
            DesiredOwnership::Elsewhere => false,
        }
    }

    /// Whether the engine is stopping.
    pub(crate) fn is_closing(&self) -> bool {
        self.lock().closing
    }

    /// Pauses between two claims, until the desired ownership changes.
    pub(crate) fn pause(&self, pause: Duration) {
        let end = self.clock.now() + pause;
        let mut state = self.lock();
        let desired = state.desired;
        while state.desired == desired && !state.closing && !state.must_end && self.clock.now() < end {
            state = self.wait(state, Some(end));
        }
    }

    /// Reports why the shard is not owned yet. Another instance may own it meanwhile.
    pub(crate) fn report_warming_up(&self, why: &str) {
        let mut state = self.lock();
        if state.is_wanted() {
            state.stage = Stage::Elsewhere;
            state.ownership.send_replace(Ownership::Claiming(why.to_owned()));
        }
    }

    /// Begins a claim. Returns false if the shard is no longer wanted.
    pub(crate) fn begin_claim(&self) -> bool {
        let mut state = self.lock();
        let wanted = state.is_wanted();
        if wanted {
            state.stage = Stage::Claiming;
        }
        wanted
    }

    /// Reports that it is unknown whether this instance still owns the shard.
    pub(crate) fn report_in_doubt(&self, why: &str) {
        let mut state = self.lock();
        state.stage = Stage::Claiming;
        // They are delivered again to the next ownership.
        state.deliveries.clear();
        if !state.must_end {
            state.ownership.send_replace(Ownership::Claiming(why.to_owned()));
        }
    }

    /// Reports a successful claim.
    pub(crate) fn report_owned(&self, claimed: Claimed) {
        let mut state = self.lock();
        let Claimed { epoch, next_commands } = claimed;
        (state.stage, state.next_deliveries) = (Stage::Owned { epoch }, next_commands.clone());
        if !state.must_end {
            state.desired_is_new = false;
            state.ownership.send_replace(Ownership::Owned { epoch, next_commands });
        }
    }

    /// Waits for the next group, until `until` at most.
    pub(crate) fn next(&self, until: Option<Instant>) -> Turn<A> {
        let begun = self.clock.now();
        let mut state = self.lock();
        state.wait_estimate.end(begun);
        loop {
            let now = self.clock.now();
            if self.has_commit_ended() {
                return Turn::Committed;
            }
            if state.must_stop() {
                return Turn::Over;
            }
            if state.has_work(now) {
                break;
            }
            let check = state.serves_until_replaced().then(|| begun + REPLACEMENT_CHECK_INTERVAL);
            let until = until.into_iter().chain(check).min();
            if until.is_some_and(|until| until <= now) {
                return Turn::Idle;
            }
            let ends = until.into_iter().chain(state.retry_deliveries_at).min();
            state = self.wait(state, ends);
        }
        let now = self.clock.now();
        let group = state.group(self.settings.max_group, now);
        state.wait_estimate.begin(now);
        metrics::waiting(self.shard, state.queue.len());
        Turn::Group(group)
    }

    /// Reports that a commit has ended.
    pub(crate) fn report_commit(&self) {
        self.commit_ended.store(true, Ordering::Release);
        self.clock.wake();
    }

    /// Waits until a commit has ended.
    pub(crate) fn await_commit(&self) {
        while !self.has_commit_ended() {
            self.clock.park(None);
        }
    }

    fn has_commit_ended(&self) -> bool {
        self.commit_ended.swap(false, Ordering::Acquire)
    }

    /// Whether the shard is only served until its next owner claims it.
    pub(crate) fn serves_until_replaced(&self) -> bool {
        self.lock().serves_until_replaced()
    }

    /// Returns deliveries to the queue that cannot be decided yet; they are tried again after a pause.
    pub(crate) fn requeue(&self, undecidable: Vec<QueuedCommand<A>>, pause: Duration) {
        let mut state = self.lock();
        if undecidable.is_empty() || !state.desired.is_to_own() {
            return;
        }
        for waiting in undecidable.into_iter().rev() {
            if let QueuedCommand::Delivered(delivery) = waiting {
                state.deliveries.push_front(delivery);
            }
        }
        state.retry_deliveries_at = Some(self.clock.now() + pause);
    }

    /// Waits for a change without holding the lock. A change in between ends the wait at once, so it is not missed.
    fn wait<'s>(
        &'s self,
        state: MutexGuard<'s, State<A>>,
        deadline: Option<Instant>,
    ) -> MutexGuard<'s, State<A>> {
        drop(state);
        self.clock.park(deadline);
        self.lock()
    }
}

impl<A: Aggregate> State<A> {
    fn serves_until_replaced(&self) -> bool {
        self.desired.is_until_replaced()
    }

    fn is_wanted(&self) -> bool {
        self.desired.is_to_own() && !self.closing && !self.must_end
    }

    fn must_stop(&self) -> bool {
        self.must_end || (self.closing && self.queue.len() == 0)
    }

    fn has_work(&self, now: Instant) -> bool {
        self.queue.len() > 0 || (!self.deliveries.is_empty() && !self.are_deliveries_held(now))
    }

    fn are_deliveries_held(&self, now: Instant) -> bool {
        self.retry_deliveries_at.is_some_and(|until| now < until)
    }

    /// Takes the next group: callers and deliveries by turns, as long as there are both.
    fn group(&mut self, max: usize, now: Instant) -> Vec<QueuedCommand<A>> {
        let held = self.are_deliveries_held(now);
        let mut group = Vec::with_capacity(max.min(self.queue.len() + self.deliveries.len()));
        while group.len() < max {
            let delivered = |state: &mut Self| if held { None } else { state.next_from_kafka() };
            let (next, source) = match self.next_source {
                Source::Kafka => (delivered(self).or_else(|| self.next_from_caller()), Source::Caller),
                Source::Caller => (self.next_from_caller().or_else(|| delivered(self)), Source::Kafka),
            };
            let Some(next) = next else { break };
            self.next_source = source;
            group.push(next);
        }
        group
    }

    fn next_from_caller(&mut self) -> Option<QueuedCommand<A>> {
        self.queue.pop().map(QueuedCommand::Caller)
    }

    fn next_from_kafka(&mut self) -> Option<QueuedCommand<A>> {
        self.deliveries.pop_front().map(|delivery: Delivery<A>| QueuedCommand::Delivered(delivery))
    }
}
