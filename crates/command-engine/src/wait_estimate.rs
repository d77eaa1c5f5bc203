//! Estimates how long a new command would wait, from the duration of recent groups.

use std::time::{Duration, Instant};

/// The recent duration of a shard's groups.
#[derive(Debug, Default)]
pub(crate) struct WaitEstimate {
    /// The moving average of the duration of a group.
    group: Duration,
    /// When the current group began.
    began: Option<Instant>,
}

impl WaitEstimate {
    /// A group begins.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.began = Some(now);
    }

    /// The current group ends.
    pub(crate) fn end(&mut self, now: Instant) {
        if let Some(began) = self.began.take() {
            self.group = (self.group + now.duration_since(began)) / 2;
        }
    }

    /// How long the current group has taken so far; zero if there is none.
    pub(crate) fn elapsed(&self, now: Instant) -> Duration {
        self.began.map_or(Duration::ZERO, |began| now.saturating_duration_since(began))
    }

    /// The expected wait of a command behind `groups` groups and the current one. It is zero if the thread is idle.
    pub(crate) fn expected(&self, groups: usize, now: Instant) -> Duration {
        let Some(began) = self.began else { return Duration::ZERO };
        let each = self.group.max(now.duration_since(began));
        each.saturating_mul(u32::try_from(groups).unwrap_or(u32::MAX).saturating_add(1))
    }
}
