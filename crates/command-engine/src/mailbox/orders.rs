//! What the coordination and the engine tell the thread to do.

use aggregate::Aggregate;

use super::{DesiredOwnership, Mailbox, Ownership, Stage, State};
use crate::{CommandError, queued_command::Pending};

impl<A: Aggregate> Mailbox<A> {
    /// Own the partition.
    pub fn own(&self) {
        let mut state = self.lock();
        if state.closing {
            return;
        }
        match state.wish {
            DesiredOwnership::Owned => return,
            // It is already being served, or about to be.
            DesiredOwnership::TakenOver => return state.wish = DesiredOwnership::Owned,
            DesiredOwnership::HandedOver | DesiredOwnership::Elsewhere => {}
        }
        // Its deliveries have stopped. A new ownership determines where they continue.
        state.dismissed |= state.wish == DesiredOwnership::HandedOver;
        (state.wish, state.fresh) = (DesiredOwnership::Owned, true);
        self.clock.wake();
    }

    /// Own the partition until another instance claims it.
    pub fn take_over(&self) {
        let mut state = self.lock();
        if state.wish != DesiredOwnership::Elsewhere || state.closing {
            return;
        }
        (state.wish, state.fresh) = (DesiredOwnership::TakenOver, true);
        self.clock.wake();
    }

    /// Serve the partition until another instance has claimed it.
    pub fn hand_over(&self) {
        let mut state = self.lock();
        if !state.wish.is_to_own() {
            return;
        }
        state.deliveries.clear();
        state.wish = DesiredOwnership::HandedOver;
        if state.stage == Stage::Elsewhere {
            state.stop_wishing();
        }
        self.clock.wake();
    }

    /// The partition belongs to another instance already: answers waiting commands at once.
    pub fn lose(&self) {
        let mut state = self.lock();
        state.stop_wishing();
        state.dismissed |= state.stage != Stage::Elsewhere;
        let waiting = state.empty();
        drop(state);
        self.clock.wake();
        send_elsewhere(waiting);
    }

    /// Accept no more commands; those that wait are still served.
    pub(crate) fn close(&self) {
        self.lock().closing = true;
        self.clock.wake();
    }

    /// The thread has released the partition, or has ended: waiting commands belong elsewhere.
    pub(crate) fn leave(&self) {
        let mut state = self.lock();
        state.stage = Stage::Elsewhere;
        state.dismissed = false;
        if state.wish.is_until_replaced() {
            state.wish = DesiredOwnership::Elsewhere;
        }
        state.shown.send_replace(Ownership::Elsewhere);
        let waiting = state.empty();
        drop(state);
        send_elsewhere(waiting);
    }
}

impl<A: Aggregate> State<A> {
    fn stop_wishing(&mut self) {
        self.wish = DesiredOwnership::Elsewhere;
        self.shown.send_replace(Ownership::Elsewhere);
    }

    fn empty(&mut self) -> Vec<Pending<A>> {
        self.deliveries.clear();
        self.queue.drain()
    }
}

fn send_elsewhere<A: Aggregate>(waiting: Vec<Pending<A>>) {
    for pending in waiting {
        pending.answer(Err(CommandError::Elsewhere));
    }
}
