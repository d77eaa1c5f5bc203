//! How the thread of a shard tells the time and waits. The rest of its loop never blocks on anything but the log
//! and the snapshots.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Time and waiting, as the thread of one shard sees them.
///
/// The engine uses [`SystemClock`]. A test can put its own clock in its place to run several shards on one thread
/// and to decide when time passes.
pub trait Clock: Send + Sync + 'static {
    /// The present time.
    fn now(&self) -> Instant;

    /// Waits for [`wake`](Self::wake), or until the deadline. Returns at once if there was a wake since the last call,
    /// and may return early without a reason, so callers check their condition in a loop.
    fn park(&self, deadline: Option<Instant>);

    /// Ends the present [`park`](Self::park), or the next one.
    fn wake(&self);

    /// Waits for this long, whatever happens meanwhile.
    fn sleep(&self, duration: Duration) {
        let deadline = self.now() + duration;
        while self.now() < deadline {
            self.park(Some(deadline));
        }
    }
}

/// The monotonic clock of the system; parking blocks the thread.
#[derive(Debug, Default)]
pub struct SystemClock {
    state: Mutex<Parking>,
    woken: Condvar,
}

#[derive(Debug, Default)]
struct Parking {
    is_parked: bool,
    is_woken: bool,
}

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn park(&self, deadline: Option<Instant>) {
        let is_asleep = |state: &mut Parking| !state.is_woken;
        let mut state = self.lock();
        state.is_parked = true;
        let mut state = match deadline {
            None => self.woken.wait_while(state, is_asleep).unwrap_or_else(PoisonError::into_inner),
            Some(deadline) => {
                let timeout = deadline.saturating_duration_since(Instant::now());
                let waited = self.woken.wait_timeout_while(state, timeout, is_asleep);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        *state = Parking::default();
    }

    /// Most commands arrive while the thread is busy; only one that is parked costs a system call.
    fn wake(&self) {
        let mut state = self.lock();
        let wakes = state.is_parked && !state.is_woken;
        state.is_woken = true;
        drop(state);
        if wakes {
            self.woken.notify_one();
        }
    }
}

impl SystemClock {
    fn lock(&self) -> MutexGuard<'_, Parking> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
