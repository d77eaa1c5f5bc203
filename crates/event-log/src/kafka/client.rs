use std::{
    collections::BTreeMap,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError, Weak},
    thread,
};

use rdkafka::{
    ClientConfig,
    consumer::BaseConsumer,
    error::{KafkaError, RDKafkaErrorCode},
};

use super::context::KafkaLogContext;
use crate::record_size::MAX_RECORD_BYTES;

/// How to connect to Kafka.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSettings {
    /// The bootstrap brokers: `host:port`, separated by commas.
    pub brokers: String,
}

impl ClientSettings {
    /// The settings that all clients share. Retries are quick: librdkafka's default pauses of a second would determine
    /// how long a takeover takes.
    pub(super) fn base(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("message.max.bytes", MAX_RECORD_BYTES.to_string())
            .set("retry.backoff.ms", "10")
            .set("retry.backoff.max.ms", "50")
            .set("reconnect.backoff.ms", "10")
            .set("reconnect.backoff.max.ms", "1000")
            .set("socket.nagle.disable", "true");
        config
    }

    /// A consumer that reads committed records only, reports the end of a partition, and never resets its offset.
    pub(super) fn committed_reader(&self, group: &str) -> ClientConfig {
        let mut config = self.base();
        config
            .set("group.id", group)
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            .set("enable.partition.eof", "true")
            .set("fetch.wait.max.ms", "100")
            // Bounds the prefetch of each partition. With the default of 64 MiB, a replay of 8 partitions took a
            // gigabyte, and a full queue stopped fetching for a second.
            .set("queued.min.messages", "10000")
            .set("queued.max.messages.kbytes", "2048")
            .set("fetch.queue.backoff.ms", "5");
        config
    }

    /// A client that sees the end of a partition including uncommitted records.
    pub(super) fn uncommitted_view(&self) -> Result<BaseConsumer<KafkaLogContext>, KafkaError> {
        self.base().set("isolation.level", "read_uncommitted").create_with_context(KafkaLogContext)
    }
}

/// Queries the end offsets of partitions; one for each cluster serves all partitions of a process.
pub(super) type Ends = Detached<BaseConsumer<KafkaLogContext>>;

impl ClientSettings {
    /// The client that queries end offsets on this cluster.
    pub(super) fn ends(&self) -> Result<Arc<Ends>, KafkaError> {
        static SHARED: Mutex<BTreeMap<String, Weak<Ends>>> = Mutex::new(BTreeMap::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let known = shared.entry(self.brokers.clone()).or_default();
        if let Some(ends) = known.upgrade() {
            return Ok(ends);
        }
        let ends = Arc::new(Detached::new(self.uncommitted_view()?));
        *known = Arc::downgrade(&ends);
        Ok(ends)
    }
}

/// A client that is closed on a thread of its own, because closing can wait for a broker that is down.
pub(super) struct Detached<C: Send + 'static>(Option<C>);

impl<C: Send + 'static> Detached<C> {
    pub(super) const fn new(client: C) -> Self {
        Self(Some(client))
    }
}

impl<C: Send + 'static> Deref for Detached<C> {
    type Target = C;

    fn deref(&self) -> &C {
        self.0.as_ref().expect("the client is there until it is dropped")
    }
}

impl<C: Send + 'static> Drop for Detached<C> {
    fn drop(&mut self) {
        let client = self.0.take();
        thread::spawn(move || drop(client));
    }
}

/// Whether Kafka, or the network, may recover from this error.
pub(super) fn is_passing(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::BrokerTransportFailure
            | RDKafkaErrorCode::AllBrokersDown
            | RDKafkaErrorCode::OperationTimedOut
            | RDKafkaErrorCode::Resolve
            | RDKafkaErrorCode::LeaderNotAvailable
            | RDKafkaErrorCode::NotLeaderForPartition
            | RDKafkaErrorCode::CoordinatorLoadInProgress
            | RDKafkaErrorCode::CoordinatorNotAvailable
            | RDKafkaErrorCode::NotCoordinator
            | RDKafkaErrorCode::RequestTimedOut
            | RDKafkaErrorCode::NetworkException
    )
}
