//! The metrics of change streams, for Prometheus.

use metrics::{counter, gauge};

use super::end::End;

/// Counts a stream as open until this value is dropped.
pub(super) struct OpenStream(());

impl OpenStream {
    pub(super) fn new() -> Self {
        gauge!("change_streams").increment(1.0);
        Self(())
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        gauge!("change_streams").decrement(1.0);
    }
}

/// A change was put into the buffer of a client.
pub(super) fn sent() {
    counter!("changes_sent_total").increment(1);
}

/// The service has ended a stream.
pub(super) fn ended(end: End) {
    counter!("change_streams_ended_total", "reason" => end.reason()).increment(1);
}
