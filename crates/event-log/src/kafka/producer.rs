//! A transactional producer of one shard: writes records and offsets atomically.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::ConsumerGroupMetadata,
    error::KafkaError,
    message::{Header, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, Producer as _},
};

use super::{client::ClientSettings, deliveries::Deliveries, owners::Announcement};
use crate::{LogError, NewOutcome, NewRecord, Offsets, Producer, headers};

/// Kafka aborts a transaction that is open for longer, so a dead owner cannot block readers for ever.
const TRANSACTION_TIMEOUT_MS: &str = "10000";
/// How long Kafka may take to connect, and to fence the previous owner.
const INIT_TIMEOUT: Duration = Duration::from_secs(10);
/// How soon to ask again while Kafka still aborts the previous owner's transaction.
const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// How long one poll for delivery reports lasts. A poll does not end when reports arrive, so it needs a thread of its
/// own.
const POLL_TIMEOUT: Duration = Duration::from_millis(100);

type Client = BaseProducer<Deliveries>;

/// Where a shard's producers write to.
pub(super) struct Route {
    pub(super) client: ClientSettings,
    pub(super) transactional_id: String,
    pub(super) events: String,
    pub(super) outcomes: String,
    pub(super) commands: String,
    pub(super) owners: String,
    pub(super) shard: i32,
    pub(super) deciders: ConsumerGroupMetadata,
}

/// One of a shard's producers in Kafka.
pub struct TransactionalProducer {
    route: Route,
    client: Arc<Client>,
    /// The deadline for what is under way, and the timeout that it was computed from.
    deadline: (Instant, Duration),
}

impl Route {
    /// Creates a client that has connected to the broker and knows the topics. A client that looks for its coordinator
    /// before it has a connection would wait half a second for a timer.
    fn connect(&self) -> Result<Client, LogError> {
        let mut config = self.client.base();
        config
            .set("transactional.id", &self.transactional_id)
            .set("transaction.timeout.ms", TRANSACTION_TIMEOUT_MS)
            .set("linger.ms", "0");
        let client: Client = config.create_with_context(Deliveries::default())?;
        for topic in [&self.events, &self.owners, &self.outcomes] {
            client.client().fetch_metadata(Some(topic), INIT_TIMEOUT)?;
        }
        Ok(client)
    }
}

/// Polls for delivery reports as long as the client is in use. The polling thread drops the client last, so nobody else
/// waits for a broker that is down.
fn keep_polling(client: &Arc<Client>) {
    let client = Arc::downgrade(client);
    thread::spawn(move || {
        while let Some(client) = client.upgrade() {
            client.poll(POLL_TIMEOUT);
        }
    });
}

impl TransactionalProducer {
    pub(super) fn connect(route: Route) -> Result<Self, LogError> {
        let client = Arc::new(route.connect()?);
        Ok(Self { route, client, deadline: (Instant::now(), Duration::ZERO) })
    }

    /// Gives what follows this long.
    fn allow(&mut self, timeout: Duration) {
        self.deadline = (Instant::now() + timeout, timeout);
    }

    fn remaining(&self) -> Duration {
        self.deadline.0.saturating_duration_since(Instant::now())
    }

    fn send<'r>(
        &self,
        records: impl Iterator<Item = BaseRecord<'r, str, [u8], usize>>,
    ) -> Result<(), LogError> {
        for mut record in records {
            record.delivery_opaque = self.client.context().expect_one();
            self.client.send(record).map_err(|(error, _)| self.cause(error))?;
        }
        Ok(())
    }

    /// The cause of a failed call. A fatal error of the client, such as being fenced, is otherwise hidden behind
    /// different errors of single calls.
    fn cause(&self, error: KafkaError) -> LogError {
        let fatal = self.client.client().fatal_error();
        LogError::Kafka(fatal.map_or(error, |(code, _)| KafkaError::Global(code)))
    }

    /// Waits until every record is acknowledged and nothing is in flight, and returns the offsets.
    fn await_deliveries(&self) -> Result<Vec<i64>, LogError> {
        let (deadline, timeout) = self.deadline;
        let in_flight = || self.client.in_flight_count() > 0;
        let offsets = self.client.context().wait(deadline, in_flight).map_err(|error| self.cause(error))?;
        offsets.ok_or(LogError::TimedOut(timeout))
    }
}

impl Producer for TransactionalProducer {
    fn init(&mut self) -> Result<(), LogError> {
        let deadline = Instant::now() + INIT_TIMEOUT;
        // Calling again makes the client retry at once; on its own it would wait half a second for a timer. It must be
        // the same client: with two, a late request of one would fence the other.
        let taken = loop {
            match self.client.init_transactions(RETRY_PAUSE) {
                Err(KafkaError::Transaction(error)) if error.is_retriable() && Instant::now() < deadline => {}
                taken => break taken,
            }
        };
        keep_polling(&self.client);
        Ok(taken?)
    }

    fn begin(&mut self, timeout: Duration) -> Result<(), LogError> {
        self.allow(timeout);
        self.client.context().clear();
        self.client.begin_transaction().map_err(|error| self.cause(error))
    }

    fn send_events(&mut self, events: &[NewRecord]) -> Result<Vec<i64>, LogError> {
        self.send(events.iter().map(|event| {
            let millis = event.envelope.time.unix_timestamp_nanos() / 1_000_000;
            BaseRecord::with_opaque_to(&self.route.events, 0)
                .partition(event.partition)
                .key(event.envelope.aggregate_id.as_str())
                .payload(event.payload.as_slice())
                .headers(headers::write(&event.envelope))
                .timestamp(i64::try_from(millis).expect("the clock is within Kafka's range"))
        }))?;
        self.await_deliveries()
    }

    fn send_outcomes(&mut self, outcomes: &[NewOutcome]) -> Result<(), LogError> {
        let json = Header { key: "content-type", value: Some("application/json") };
        self.send(outcomes.iter().map(|outcome| {
            BaseRecord::with_opaque_to(&self.route.outcomes, 0)
                .partition(outcome.partition)
                .key(outcome.key.as_str())
                .payload(outcome.document.as_slice())
                .headers(OwnedHeaders::new_with_capacity(1).insert(json.clone()))
        }))
    }

    fn send_offsets(&mut self, next_commands: &Offsets) -> Result<(), LogError> {
        let Route { commands, deciders, .. } = &self.route;
        let mut offsets = TopicPartitionList::with_capacity(next_commands.len());
        for (partition, next) in next_commands {
            offsets.add_partition_offset(commands, *partition, Offset::Offset(*next))?;
        }
        let sent = self.client.send_offsets_to_transaction(&offsets, deciders, self.remaining());
        sent.map_err(|error| self.cause(error))
    }

    fn announce(&mut self, address: &str, epoch_floor: u64) -> Result<i64, LogError> {
        let Route { owners, shard, .. } = &self.route;
        let announcement = Announcement { shard: *shard, address: address.to_owned(), epoch_floor };
        let payload = serde_json::to_vec(&announcement).expect("an announcement is plain JSON");
        let key = shard.to_string();
        let record = BaseRecord::with_opaque_to(owners, 0).partition(*shard).key(key.as_str());
        self.send([record.payload(payload.as_slice())].into_iter())?;
        Ok(self.await_deliveries()?[0])
    }

    fn commit(&mut self) -> Result<(), LogError> {
        // The batch may have waited for the commit of the one before it.
        self.allow(self.deadline.1);
        // All reports must be in: otherwise the client waits 100 ms before it commits.
        self.await_deliveries()?;
        self.client.commit_transaction(self.remaining()).map_err(|error| self.cause(error))
    }
}
