//! A log whose calls can be held: appends after the events are written and before the call returns, claims before they
//! begin. In most tests groups must not overlap, so a batch is written when it is sent; other tests hold the commits
//! themselves.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use event_log::{Batch, Claimed, Fold, LogError, MemoryLog, Offsets, Sent, ShardLog};

use super::LIMIT;

/// Lets calls pass while it is open, and holds them while it is closed.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    closed: bool,
    held: bool,
    passed: usize,
}

pub(crate) struct GatedLog {
    pub(crate) log: MemoryLog,
    pub(crate) commits: Gate,
    pub(crate) claims: Gate,
    /// If batches overlap: counts those sent.
    pub(crate) sent: Option<Gate>,
}

impl Gate {
    pub(crate) fn close(&self) {
        self.state().closed = true;
    }

    pub(crate) fn open(&self) {
        self.state().closed = false;
        self.0.1.notify_all();
    }

    /// Waits until a call is held.
    pub(crate) fn wait_until_held(&self) {
        let waited = self.0.1.wait_timeout_while(self.state(), LIMIT, |state| !state.held).unwrap();
        assert!(!waited.1.timed_out(), "no call reached the gate");
    }

    /// Waits until this many calls have passed.
    pub(crate) fn wait_until_passed(&self, calls: usize) {
        let waited = self.0.1.wait_timeout_while(self.state(), LIMIT, |state| state.passed < calls).unwrap();
        assert!(!waited.1.timed_out(), "too few calls passed the gate");
    }

    /// How many calls have passed so far.
    pub(crate) fn passed(&self) -> usize {
        self.state().passed
    }

    fn pass(&self) {
        let mut state = self.state();
        state.held = state.closed;
        self.0.1.notify_all();
        state = self.0.1.wait_while(state, |state| state.closed).unwrap();
        state.held = false;
        state.passed += 1;
        self.0.1.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap()
    }
}

impl ShardLog for GatedLog {
    fn read(&mut self, next: &Offsets, fold: &mut Fold<'_>) -> Result<(), LogError> {
        self.log.read(next, fold)
    }

    fn claim(&mut self, next: &Offsets, fold: &mut Fold<'_>) -> Result<Claimed, LogError> {
        self.claims.pass();
        self.log.claim(next, fold)
    }

    fn send(&mut self, batch: &Batch<'_>) -> Result<Sent, LogError> {
        if let Some(gate) = &self.sent {
            let Sent { offsets, commit } = self.log.send(batch)?;
            gate.pass();
            let commits = self.commits.clone();
            return Ok(Sent { offsets, commit: Box::new(move || (commits.pass(), commit()).1) });
        }
        let appended = self.log.append(batch);
        self.commits.pass();
        Ok(Sent { offsets: appended?, commit: Box::new(|| Ok(())) })
    }

    fn confirm(&mut self) -> Result<(), LogError> {
        self.log.confirm()
    }

    fn newest_epoch(&mut self) -> Result<u64, LogError> {
        self.log.newest_epoch()
    }

    fn release(&mut self) {
        self.log.release();
    }
}
