use std::time::{Duration, Instant};

/// A second's events are divided into this many batches, so that no pause is long.
const BATCHES: usize = 10;

/// Limits the events per second.
pub(crate) struct Pace {
    /// When the next batch may begin.
    next: Instant,
}

impl Pace {
    pub(crate) fn new() -> Self {
        Self { next: Instant::now() }
    }

    /// The most events of one batch.
    pub(crate) fn batch_size(limit: Option<i32>, most: usize) -> usize {
        let share = |limit| usize::try_from(limit).map_or(most, |limit| (limit / BATCHES).clamp(1, most));
        limit.map_or(most, share)
    }

    /// How long to wait until the next batch may begin.
    pub(crate) fn rest(&self) -> Duration {
        self.next.saturating_duration_since(Instant::now())
    }

    /// Notes that a batch of this many events begins now.
    pub(crate) fn began(&mut self, events: usize, limit: Option<i32>) {
        #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
        let seconds = |limit| Duration::from_secs_f64(events as f64 / f64::from(limit));
        self.next = Instant::now() + limit.map_or(Duration::ZERO, seconds);
    }
}
