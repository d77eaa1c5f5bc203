//! What the thread is told to do.

use aggregate::Aggregate;

use super::{Desk, Ownership, Stage, State, Wish};
use crate::{CommandError, waiting::Pending};

impl<A: Aggregate> Desk<A> {
    /// The partition is to be owned here.
    pub(crate) fn own(&self) {
        let mut state = self.lock();
        if state.closing {
            return;
        }
        match state.wish {
            Wish::Owned => return,
            // It is being served already, or about to be.
            Wish::TakenOver => return state.wish = Wish::Owned,
            Wish::HandedOver | Wish::Elsewhere => {}
        }
        // Its deliveries have stopped; where to go on with them is said by a new ownership.
        state.dismissed |= state.wish == Wish::HandedOver;
        (state.wish, state.fresh) = (Wish::Owned, true);
        self.changed.notify_all();
    }

    /// The partition is to be owned here until another claims it.
    pub(crate) fn take_over(&self) {
        let mut state = self.lock();
        if state.wish != Wish::Elsewhere || state.closing {
            return;
        }
        (state.wish, state.fresh) = (Wish::TakenOver, true);
        self.changed.notify_all();
    }

    /// The partition is to be served until another has taken it.
    pub(crate) fn hand_over(&self) {
        let mut state = self.lock();
        if !state.wish.is_to_own() {
            return;
        }
        state.deliveries.clear();
        state.wish = Wish::HandedOver;
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
            state.wish = Wish::Elsewhere;
        }
        state.shown.send_replace(Ownership::Elsewhere);
        let waiting = state.empty();
        drop(state);
        send_elsewhere(waiting);
    }
}

impl<A: Aggregate> State<A> {
    fn stop_wishing(&mut self) {
        self.wish = Wish::Elsewhere;
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
