use std::time::{Duration, Instant};

/// The events of one second are divided into this many batches, so that delays are short.
const BATCHES_PER_SECOND: usize = 10;

/// Limits the events per second.
pub(crate) struct RateLimiter {
    /// When the next batch may begin.
    next: Instant,
}

impl RateLimiter {
    pub(crate) fn new() -> Self {
        Self { next: Instant::now() }
    }

    /// The maximum number of events in one batch, at a limit per second.
    pub(crate) fn batch_size(limit: Option<i32>, max: usize) -> usize {
        let share =
            |limit| usize::try_from(limit).map_or(max, |limit| (limit / BATCHES_PER_SECOND).clamp(1, max));
        limit.map_or(max, share)
    }

    /// How long to wait until the next batch may begin.
    pub(crate) fn delay(&self) -> Duration {
        self.next.saturating_duration_since(Instant::now())
    }

    /// Records that a batch of this many events begins now.
    pub(crate) fn began(&mut self, events: usize, limit: Option<i32>) {
        #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
        let seconds = |limit| Duration::from_secs_f64(events as f64 / f64::from(limit));
        self.next = Instant::now() + limit.map_or(Duration::ZERO, seconds);
    }
}
