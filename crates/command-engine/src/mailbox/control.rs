//! What the coordination and the engine tell the thread to do.

use aggregate::Aggregate;

use super::{DesiredOwnership, Mailbox, Ownership, Stage, State};
use crate::{CommandError, queued_command::PendingCommand};

impl<A: Aggregate> Mailbox<A> {
    /// Own the shard.
    pub fn own(&self) {
        let mut state = self.lock();
        if state.closing {
            return;
        }
        match state.desired {
            DesiredOwnership::Owned => return,
            // It is already being served, or about to be.
            DesiredOwnership::TakenOver => return state.desired = DesiredOwnership::Owned,
            DesiredOwnership::HandedOver | DesiredOwnership::Elsewhere => {}
        }
        // Its deliveries have stopped. A new ownership determines where they continue.
        state.must_end |= state.desired == DesiredOwnership::HandedOver;
        (state.desired, state.desired_is_new) = (DesiredOwnership::Owned, true);
        self.clock.wake();
    }

    /// Own the shard until another instance claims it.
    pub fn take_over(&self) {
        let mut state = self.lock();
        if state.desired != DesiredOwnership::Elsewhere || state.closing {
            return;
        }
        (state.desired, state.desired_is_new) = (DesiredOwnership::TakenOver, true);
        self.clock.wake();
    }

    /// Serve the shard until another instance has claimed it.
    pub fn hand_over(&self) {
        let mut state = self.lock();
        if !state.desired.is_to_own() {
            return;
        }
        state.deliveries.clear();
        state.desired = DesiredOwnership::HandedOver;
        if state.stage == Stage::Elsewhere {
            state.clear_desired();
        }
        self.clock.wake();
    }

    /// The shard belongs to another instance already: answers waiting commands at once.
    pub fn lose(&self) {
        let mut state = self.lock();
        state.clear_desired();
        state.must_end |= state.stage != Stage::Elsewhere;
        let waiting = state.take_waiting();
        drop(state);
        self.clock.wake();
        answer_elsewhere(waiting);
    }

    /// Accept no more commands; those that wait are still served.
    pub(crate) fn close(&self) {
        self.lock().closing = true;
        self.clock.wake();
    }

    /// The thread has released the shard, or has ended: waiting commands belong elsewhere.
    pub(crate) fn release(&self) {
        let mut state = self.lock();
        state.stage = Stage::Elsewhere;
        state.must_end = false;
        if state.desired.is_until_replaced() {
            state.desired = DesiredOwnership::Elsewhere;
        }
        state.ownership.send_replace(Ownership::Elsewhere);
        let waiting = state.take_waiting();
        drop(state);
        answer_elsewhere(waiting);
    }
}

impl<A: Aggregate> State<A> {
    fn clear_desired(&mut self) {
        self.desired = DesiredOwnership::Elsewhere;
        self.ownership.send_replace(Ownership::Elsewhere);
    }

    fn take_waiting(&mut self) -> Vec<PendingCommand<A>> {
        self.deliveries.clear();
        self.queue.drain()
    }
}

fn answer_elsewhere<A: Aggregate>(waiting: Vec<PendingCommand<A>>) {
    for pending in waiting {
        pending.answer(Err(CommandError::Elsewhere));
    }
}
