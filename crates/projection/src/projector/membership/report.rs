use std::time::{Duration, Instant};

use metrics::{counter, histogram};
use tracing::debug;

use super::Membership;
use crate::Projection;

/// How long to wait for a response when testing whether Kafka can be reached again.
const PROBE_TIMEOUT: Duration = Duration::from_millis(500);
/// How often lag and offsets are reported.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// Reports health, metrics and the group's offsets.
impl<P: Projection> Membership<'_, P> {
    pub(super) fn record_metrics(events: usize, took: Duration) {
        counter!("projection_events_total", "projection" => P::NAME).increment(events as u64);
        #[expect(clippy::cast_precision_loss, reason = "histograms record floats")]
        histogram!("projection_batch_size", "projection" => P::NAME).record(events as f64);
        histogram!("projection_apply_seconds", "projection" => P::NAME).record(took.as_secs_f64());
    }

    pub(super) fn kafka_lost(&mut self) {
        self.is_kafka_lost = true;
        self.worker.lag.interrupted();
        self.worker.not_ready("kafka cannot be reached");
    }

    /// Reports the current state.
    pub(super) fn report(&mut self) {
        if self.is_kafka_lost && self.reader.events().is_kafka_there(PROBE_TIMEOUT) {
            self.is_kafka_lost = false;
            self.worker.lag.resumed();
        }
        if !self.is_kafka_lost && self.in_group && self.unread.is_empty() {
            self.worker.retry.reset();
            self.report_state();
        }
        if self.last_report.elapsed() >= REPORT_INTERVAL {
            self.last_report = Instant::now();
            let topic = &self.worker.topic;
            self.worker.lag.report(|partition| self.reader.events().end(topic, partition));
            self.parking.report();
            self.commit_offsets();
        }
    }

    /// Reports that the projector is ready, unless an open transaction hides events of the log.
    fn report_state(&mut self) {
        let trouble = self.hidden_for_too_long();
        match &trouble {
            Some(trouble) => self.worker.not_ready(trouble.as_str()),
            None => self.worker.ready(self.parking.summary()),
        }
        self.worker.report_trouble(trouble);
    }

    fn hidden_for_too_long(&self) -> Option<String> {
        let limit = self.worker.shared.settings.hidden_limit;
        let (position, _) = self.reader.events().hidden().filter(|(_, since)| *since >= limit)?;
        // The text must not change while the cause stays the same, so it does not contain the elapsed seconds.
        Some(format!(
            "a transaction has been open for more than {limit:?} and hides the events from {position} on: \
             find it with `kafka-transactions.sh find-hanging` and abort it"
        ))
    }

    /// Commits the group's offsets for the tools of Kafka. The projector itself does not use them.
    fn commit_offsets(&mut self) {
        if self.committed != self.claimed {
            if let Err(error) = self.reader.hint(&self.bookmarks(&self.claimed)) {
                debug!(%error, "the group's offsets were not committed");
            }
            self.committed = self.claimed.clone();
        }
    }
}
