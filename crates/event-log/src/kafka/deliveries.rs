//! The delivery reports of a transaction's records, collected on the producer's polling thread.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext, Message, config::RDKafkaLogLevel, error::KafkaError, message::DeliveryResult,
    producer::ProducerContext,
};

use super::context;

/// How often to check for the end of a transaction's traffic once every report is in.
const CHECK_INTERVAL: Duration = Duration::from_micros(20);

/// The reports of one transaction's records.
#[derive(Default)]
pub(super) struct Deliveries {
    progress: Mutex<Progress>,
    settled: Condvar,
}

#[derive(Default)]
struct Progress {
    offsets: Vec<i64>,
    outstanding: usize,
    failure: Option<KafkaError>,
}

impl Deliveries {
    /// Starts a transaction: no reports are expected.
    pub(super) fn clear(&self) {
        *self.progress() = Progress::default();
    }

    /// Expects one more report and returns the number that its record must carry.
    pub(super) fn expect_one(&self) -> usize {
        let mut progress = self.progress();
        progress.outstanding += 1;
        progress.offsets.push(-1);
        progress.offsets.len() - 1
    }

    /// Waits until every report is in and nothing is in flight. Returns `None` on a timeout.
    pub(super) fn wait(
        &self,
        deadline: Instant,
        in_flight: impl Fn() -> bool,
    ) -> Result<Option<Vec<i64>>, KafkaError> {
        let timeout = deadline.saturating_duration_since(Instant::now());
        let (mut progress, waited) = self
            .settled
            .wait_timeout_while(self.progress(), timeout, |progress| !progress.is_settled())
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(failure) = progress.failure.take() {
            return Err(failure);
        }
        let offsets = progress.offsets.clone();
        drop(progress);
        while in_flight() && Instant::now() < deadline {
            thread::sleep(CHECK_INTERVAL);
        }
        Ok((!waited.timed_out() && !in_flight()).then_some(offsets))
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress {
    const fn is_settled(&self) -> bool {
        self.outstanding == 0 || self.failure.is_some()
    }
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        context::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        context::report(&error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, index: usize) {
        let mut progress = self.progress();
        progress.outstanding = progress.outstanding.saturating_sub(1);
        match result {
            Ok(message) => {
                if let Some(slot) = progress.offsets.get_mut(index) {
                    *slot = message.offset();
                }
            }
            Err((error, _)) => progress.failure = Some(error.clone()),
        }
        if progress.is_settled() {
            self.settled.notify_one();
        }
    }
}
