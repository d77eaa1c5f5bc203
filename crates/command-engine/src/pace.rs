//! How long a command that comes now would wait, judged by how long groups have taken lately.

use std::time::{Duration, Instant};

/// The pace of a partition.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// How long a group takes: the mean of the last one and of the mean before it.
    group: Duration,
    /// When the group under way began.
    began: Option<Instant>,
}

impl Pace {
    /// A group is taken.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.began = Some(now);
    }

    /// The group is done.
    pub(crate) fn end(&mut self, now: Instant) {
        if let Some(began) = self.began.take() {
            self.group = (self.group + now.duration_since(began)) / 2;
        }
    }

    /// How long it takes until a command is answered behind `groups` others, beside the one under way. Nobody waits for
    /// a thread that has nothing to do.
    pub(crate) fn expected(&self, groups: usize, now: Instant) -> Duration {
        let Some(began) = self.began else { return Duration::ZERO };
        let each = self.group.max(now.duration_since(began));
        each.saturating_mul(u32::try_from(groups).unwrap_or(u32::MAX).saturating_add(1))
    }
}
