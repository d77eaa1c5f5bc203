//! What the thread is told to do.

use aggregate::Aggregate;

use super::{DesiredOwnership, Mailbox, Ownership, Stage, State};
use crate::{CommandError, queued_command::Pending};

impl<A: Aggregate> Mailbox<A> {
    /// The partition is to be owned here.
    pub(crate) fn own(&self) {
        let mut state = self.lock();
        if state.closing {
            return;
        }
        match state.wish {
            DesiredOwnership::Owned => return,
            // It is being served already, or about to be.
            DesiredOwnership::TakenOver => return state.wish = DesiredOwnership::Owned,
            DesiredOwnership::HandedOver | DesiredOwnership::Elsewhere => {}
        }
        // Its deliveries have stopped; where to go on with them is said by a new ownership.
        state.dismissed |= state.wish == DesiredOwnership::HandedOver;
        (state.wish, state.fresh) = (DesiredOwnership::Owned, true);
        self.changed.notify_all();
    }

    /// The partition is to be owned here until another claims it.
    pub(crate) fn take_over(&self) {
        let mut state = self.lock();
        if state.wish != DesiredOwnership::Elsewhere || state.closing {
            return;
        }
        (state.wish, state.fresh) = (DesiredOwnership::TakenOver, true);
        self.changed.notify_all();
    }

    /// The partition is to be served until another has taken it.
    pub(crate) fn hand_over(&self) {
        let mut state = self.lock();
        if !state.wish.is_to_own() {
            return;
        }
        state.deliveries.clear();
        state.wish = DesiredOwnership::HandedOver;
        if state.stage == Stage::Elsewhere {
            state.stop_wishing();
        }
        self.changed.notify_all();
    }

    /// The partition is another's already: what waits is told so now.
    pub(crate) fn lose(&self) {
        let mut state = self.lock();
        state.stop_wishing();
        state.dismissed |= state.stage != Stage::Elsewhere;
        let waiting = state.empty();
        drop(state);
        self.changed.notify_all();
        send_elsewhere(waiting);
    }

    /// No more commands are taken; those that wait are still served.
    pub(crate) fn close(&self) {
        self.lock().closing = true;
        self.changed.notify_all();
    }

    /// The thread has let the partition go, or has ended: what waits is another's.
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
