use std::time::Duration;

use tracing::{error, warn};

use crate::{ProjectionError, ProjectorSettings};

/// How long to wait before the next try, and what the log already says about the trouble.
pub(crate) struct Retry {
    first: Duration,
    longest: Duration,
    next: Duration,
    told: Option<String>,
}

impl Retry {
    pub(crate) const fn new(settings: &ProjectorSettings) -> Self {
        Self {
            first: settings.retry_first,
            longest: settings.retry_longest,
            next: settings.retry_first,
            told: None,
        }
    }

    /// Everything is well again.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
        self.told = None;
    }

    /// Tells of a failure, unless it was the last thing told, and answers how long to wait.
    pub(crate) fn failed(&mut self, projection: &str, failure: &ProjectionError) -> Duration {
        let text = failure.to_string();
        if self.told.as_ref() != Some(&text) {
            if failure.is_transient() {
                warn!(projection, "projection {projection} waits: {text}");
            } else {
                error!(projection, "projection {projection} stands still, nothing is skipped: {text}");
            }
            self.told = Some(text);
        }
        let delay = self.next;
        self.next = (delay * 2).min(self.longest);
        delay
    }
}
