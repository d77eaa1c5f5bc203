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

/// How to reach Kafka.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSettings {
    /// The bootstrap brokers: `host:port`, with commas between several.
    pub brokers: String,
}

impl ClientSettings {
    /// What every client shares. Retries come quickly: the library's own second-long pauses would decide how long a
    /// take-over lasts.
    pub(super) fn base(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("retry.backoff.ms", "10")
            .set("retry.backoff.max.ms", "50")
            .set("reconnect.backoff.ms", "10")
            .set("reconnect.backoff.max.ms", "1000")
            .set("socket.nagle.disable", "true");
        config
    }

    /// A consumer that reads committed events only, tells when it is at the end, and never chooses its own start.
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
            // What is read ahead, per partition. The library's own 64 MiB made a gigabyte of a replay of 8 partitions,
            // and after a full queue it would look away for a second.
            .set("queued.min.messages", "10000")
            .set("queued.max.messages.kbytes", "2048")
            .set("fetch.queue.backoff.ms", "5");
        config
    }

    /// A client that sees the end of a partition as it is, whether or not the last records are committed.
    pub(super) fn uncommitted_view(&self) -> Result<BaseConsumer<KafkaLogContext>, KafkaError> {
        self.base().set("isolation.level", "read_uncommitted").create_with_context(KafkaLogContext)
    }
}

/// Sees the ends of partitions as they are; one for each cluster serves all partitions of a process.
pub(super) type Ends = Detached<BaseConsumer<KafkaLogContext>>;

impl ClientSettings {
    /// The client that sees the ends of this cluster's partitions.
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

/// A client that goes away on a thread of its own: to close it can wait for a broker that is gone.
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

/// Whether Kafka, or the way to it, may answer better later.
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
