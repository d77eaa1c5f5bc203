//! What streams tell about themselves, for Prometheus.

use metrics::{counter, gauge};

use super::end::End;

/// A stream counts as open for as long as this is there.
pub(super) struct Open(());

impl Open {
    pub(super) fn new() -> Self {
        gauge!("change_streams").increment(1.0);
        Self(())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        gauge!("change_streams").decrement(1.0);
    }
}

/// A change is on its way to a client.
pub(super) fn sent() {
    counter!("changes_sent_total").increment(1);
}

/// The service has ended a stream.
pub(super) fn ended(end: End) {
    counter!("change_streams_ended_total", "reason" => end.reason()).increment(1);
}
