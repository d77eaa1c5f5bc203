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
            self.worker.ready(self.parking.remark());
        }
        if self.reported.elapsed() >= REPORT {
            self.reported = Instant::now();
            let topic = &self.worker.topic;
            self.worker.lag.report(|partition| self.reader.end(topic, partition));
            self.parking.report();
            self.hint();
        }
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
