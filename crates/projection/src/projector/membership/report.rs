use std::time::{Duration, Instant};

use metrics::{counter, histogram};
use tracing::debug;

use super::Membership;
use crate::Projection;

/// How long Kafka may take to answer after it could not be reached.
const PROBE: Duration = Duration::from_millis(500);
/// How often lag and offsets are reported.
const REPORT: Duration = Duration::from_secs(1);

/// Reports to the outside: health, metrics and the group's offsets.
impl<P: Projection> Membership<'_, P> {
    pub(super) fn measure(events: usize, took: Duration) {
        counter!("projection_events_total", "projection" => P::NAME).increment(events as u64);
        #[expect(clippy::cast_precision_loss, reason = "a histogram is of floats")]
        histogram!("projection_batch_size", "projection" => P::NAME).record(events as f64);
        histogram!("projection_apply_seconds", "projection" => P::NAME).record(took.as_secs_f64());
    }

    pub(super) fn lose_kafka(&mut self) {
        self.out_of_reach = true;
        self.worker.lag.interrupted();
        self.worker.not_ready("kafka cannot be reached");
    }

    /// Reports what may have changed.
    pub(super) fn report(&mut self) {
        if self.out_of_reach && self.reader.is_kafka_there(PROBE) {
            self.out_of_reach = false;
            self.worker.lag.goes_on();
        }
        if !self.out_of_reach && self.in_group && self.untried.is_empty() {
            self.worker.retry.reset();
            self.report_state();
        }
        if self.reported.elapsed() >= REPORT {
            self.reported = Instant::now();
            let topic = &self.worker.topic;
            self.worker.lag.report(|partition| self.reader.end(topic, partition));
            self.parking.report();
            self.hint();
        }
    }

    /// Ready, unless an open transaction hides what is in the log.
    fn report_state(&mut self) {
        let trouble = self.hidden_for_too_long();
        match &trouble {
            Some(trouble) => self.worker.not_ready(trouble.as_str()),
            None => self.worker.ready(self.parking.remark()),
        }
        self.worker.report_trouble(trouble);
    }

    fn hidden_for_too_long(&self) -> Option<String> {
        let limit = self.worker.shared.settings.hidden_limit;
        let (position, _) = self.reader.hidden().filter(|(_, since)| *since >= limit)?;
        // Without the seconds, which would make it another trouble with every look.
        Some(format!(
            "a transaction has been open for more than {limit:?} and hides the events from {position} on: \
             find it with `kafka-transactions.sh find-hanging` and abort it"
        ))
    }

    /// Commits the group's offsets for Kafka's own tools. Nothing depends on them.
    fn hint(&mut self) {
        if self.hinted != self.claimed {
            if let Err(error) = self.reader.hint(&self.bookmarks(&self.claimed)) {
                debug!(%error, "the group's offsets were not committed");
            }
            self.hinted = self.claimed.clone();
        }
    }
}
