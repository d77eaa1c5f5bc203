use std::time::Duration;

use tracing::{error, warn};

use crate::{ProjectionError, ProjectorSettings};

/// The delay before the next attempt, and which failure was logged last.
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

    /// The last attempt succeeded.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
        self.logged = None;
    }

    /// Logs a failure, unless it is the one logged last, and returns the delay before the next attempt.
    pub(crate) fn failed(&mut self, projection: &str, failure: &ProjectionError) -> Duration {
        let text = failure.to_string();
        if self.logged.as_ref() != Some(&text) {
            if failure.is_transient() {
                warn!(projection, "projection {projection} waits: {text}");
            } else {
                error!(projection, "projection {projection} stands still, nothing is skipped: {text}");
            }
            self.logged = Some(text);
        }
        let delay = self.next;
        self.next = (delay * 2).min(self.longest);
        delay
    }
}
