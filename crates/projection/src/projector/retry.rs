use std::time::Duration;

use tracing::{error, warn};

use crate::{ProjectionError, ProjectorSettings};

/// The delay before the next attempt, and the failure that was logged last.
pub(crate) struct Retry {
    first: Duration,
    longest: Duration,
    next: Duration,
    logged: Option<String>,
}

impl Retry {
    pub(crate) const fn new(settings: &ProjectorSettings) -> Self {
        Self {
            first: settings.retry_first,
            longest: settings.retry_longest,
            next: settings.retry_first,
            logged: None,
        }
    }

    /// Resets the delay after a successful attempt.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
        self.logged = None;
    }

    /// Logs a failure, unless it is the same as the last one, and returns the delay before the next attempt.
    pub(crate) fn failed(&mut self, projection: &str, failure: &ProjectionError) -> Duration {
        let text = failure.to_string();
        if self.logged.as_ref() != Some(&text) {
            if failure.is_transient() {
                warn!(projection, "projection {projection} will retry: {text}");
            } else {
                error!(projection, "projection {projection} has stopped, no event is skipped: {text}");
            }
            self.logged = Some(text);
        }
        let delay = self.next;
        self.next = (delay * 2).min(self.longest);
        delay
    }
}
