//! One transactional producer: a group of records goes in, committed offsets come out.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext, Message,
    config::RDKafkaLogLevel,
    error::KafkaError,
    message::DeliveryResult,
    producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer},
};

use super::{client::ClientSettings, voice};
use crate::{LogError, NewRecord, headers};

/// Kafka aborts a transaction that is open for longer, so a dead owner cannot hold back readers for ever.
const TRANSACTION_TIMEOUT_MS: &str = "10000";

/// How often the end of a transaction's traffic is looked for, once every report is in.
const SETTLING: Duration = Duration::from_micros(20);

/// A producer that has fenced every earlier one of its transactional id.
///
/// It is the threaded one: `BaseProducer::poll` stays until its time-out even when reports have come, so polling from
/// the thread that waits would make every commit as long as the time-out.
pub(super) struct TransactionalProducer(ThreadedProducer<Deliveries>);

/// What the broker says of the records of a group, told by the producer's thread.
#[derive(Default)]
struct Deliveries {
    progress: Mutex<Progress>,
    settled: Condvar,
}

#[derive(Default)]
struct Progress {
    offsets: Vec<i64>,
    outstanding: usize,
    failure: Option<KafkaError>,
}

impl TransactionalProducer {
    /// Takes over `transactional_id`: what its last producer left open is aborted, and that producer is fenced.
    pub(super) fn take_over(
        client: &ClientSettings,
        transactional_id: &str,
        timeout: Duration,
    ) -> Result<Self, LogError> {
        let producer: ThreadedProducer<Deliveries> = client
            .base()
            .set("transactional.id", transactional_id)
            .set("transaction.timeout.ms", TRANSACTION_TIMEOUT_MS)
            .set("linger.ms", "0")
            .create_with_context(Deliveries::default())?;
        producer.init_transactions(timeout)?;
        Ok(Self(producer))
    }

    /// Writes a group to one partition and commits it. After an error nobody knows whether it is in the log.
    pub(super) fn commit(
        &self,
        topic: &str,
        partition: i32,
        group: &[NewRecord],
        timeout: Duration,
    ) -> Result<Vec<i64>, LogError> {
        let records = group.iter().map(|record| {
            let millis = record.envelope.time.unix_timestamp_nanos() / 1_000_000;
            BaseRecord::with_opaque_to(topic, 0)
                .partition(partition)
                .key(record.envelope.aggregate_id.as_str())
                .payload(record.payload.as_slice())
                .headers(headers::write(record))
                .timestamp(i64::try_from(millis).expect("the clock is within Kafka's range"))
        });
        self.transact(records, timeout)
    }

    /// Writes one record that is no event, such as an announcement, and commits it.
    pub(super) fn commit_one(
        &self,
        topic: &str,
        key: &str,
        payload: &[u8],
        timeout: Duration,
    ) -> Result<(), LogError> {
        let record = BaseRecord::with_opaque_to(topic, 0).partition(0).key(key).payload(payload);
        self.transact([record].into_iter(), timeout).map(drop)
    }

    fn transact<'r>(
        &self,
        records: impl ExactSizeIterator<Item = BaseRecord<'r, str, [u8], usize>>,
        timeout: Duration,
    ) -> Result<Vec<i64>, LogError> {
        let deadline = Instant::now() + timeout;
        *self.progress() = Progress::expecting(records.len());
        self.0.begin_transaction()?;
        for (index, mut record) in records.enumerate() {
            record.delivery_opaque = index;
            self.0.send(record).map_err(|(error, _)| error)?;
        }
        self.await_deliveries(deadline, timeout)?;
        // Every report is in, so nothing is in flight: the client would otherwise wait 100 ms before it commits.
        self.0.commit_transaction(remaining(deadline))?;
        Ok(std::mem::take(&mut self.progress().offsets))
    }

    /// Waits until every record is acknowledged and nothing is in flight.
    fn await_deliveries(&self, deadline: Instant, timeout: Duration) -> Result<(), LogError> {
        let deliveries = self.0.context();
        let (mut progress, waited) = deliveries
            .settled
            .wait_timeout_while(self.progress(), remaining(deadline), |progress| !progress.is_settled())
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(failure) = progress.failure.take() {
            return Err(failure.into());
        }
        drop(progress);
        while self.0.in_flight_count() > 0 && Instant::now() < deadline {
            thread::sleep(SETTLING);
        }
        if waited.timed_out() || self.0.in_flight_count() > 0 {
            Err(LogError::TimedOut(timeout))
        } else {
            Ok(())
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.0.context().progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress {
    fn expecting(count: usize) -> Self {
        Self { offsets: vec![-1; count], outstanding: count, failure: None }
    }

    const fn is_settled(&self) -> bool {
        self.outstanding == 0 || self.failure.is_some()
    }
}

fn remaining(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        voice::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        voice::report(&error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, index: usize) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
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
