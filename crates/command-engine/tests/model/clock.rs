//! The clock of a simulated instance. Time passes only while the instance waits, by random steps.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use command_engine::protocol::Clock;

use crate::scheduler::{Scheduler, Yielded, yield_now};

/// How much time may have passed when a waiting instance is resumed, in milliseconds.
const STEPS: [u64; 4] = [1, 20, 100, 5_000];

pub(crate) struct SimulatedClock {
    scheduler: Scheduler,
    start: Instant,
    /// Milliseconds since the start.
    elapsed: AtomicU64,
    woken: AtomicBool,
}

impl SimulatedClock {
    pub(crate) fn new(scheduler: Scheduler) -> Self {
        // The cache uses the system clock to decide when a save is due. This clock runs an hour ahead, so every save
        // that is due there is due here too, and a seed always leads to the same schedule.
        let start = Instant::now() + Duration::from_hours(1);
        Self { scheduler, start, elapsed: AtomicU64::new(0), woken: AtomicBool::new(false) }
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Instant {
        self.start + Duration::from_millis(self.elapsed.load(Ordering::Relaxed))
    }

    fn park(&self, deadline: Option<Instant>) {
        loop {
            yield_now(Yielded::Waiting);
            if self.woken.swap(false, Ordering::Relaxed) {
                return;
            }
            self.elapsed.fetch_add(self.scheduler.lock().random.pick(&STEPS), Ordering::Relaxed);
            if deadline.is_some_and(|deadline| deadline <= self.now()) {
                return;
            }
        }
    }

    fn wake(&self) {
        self.woken.store(true, Ordering::Relaxed);
    }
}
