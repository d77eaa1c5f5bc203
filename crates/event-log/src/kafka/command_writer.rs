//! Sends commands through Kafka.

use std::{
    sync::{PoisonError, RwLock},
    thread,
    time::Duration,
};

use rdkafka::producer::{FutureProducer, FutureRecord, Producer};

use super::{client::ClientSettings, command_reader::partition_count, context::KafkaLogContext};
use crate::{CommandEnvelope, LogError, Position, Topics, headers, partition_of};

/// How long Kafka may take to acknowledge a record, in milliseconds.
const DELIVERY_TIMEOUT_MS: &str = "5000";
/// How long a record may wait for room in the producer's queue.
pub(super) const QUEUE_TIMEOUT: Duration = Duration::from_secs(1);

/// Writes commands. Each is acknowledged by all in-sync replicas. One writer is shared by all senders.
pub struct CommandWriter {
    producer: RwLock<FutureProducer<KafkaLogContext>>,
    client: ClientSettings,
    topic: String,
    source: String,
    partitions: i32,
}

impl CommandWriter {
    /// A writer for the context's commands. It asks Kafka for the partition count, which blocks.
    pub fn new(client: &ClientSettings, topics: &Topics) -> Result<Self, LogError> {
        let topic = topics.commands();
        Ok(Self {
            producer: RwLock::new(producer(client)?),
            client: client.clone(),
            partitions: partition_count(&client.uncommitted_view()?, &topic)?,
            topic,
            source: format!("/{}", topics.context()),
        })
    }

    /// Writes a command and returns its position once it is acknowledged. After an error the command may or may not be
    /// written, unless it [is too large](LogError::is_too_large); writing it again is safe because its id stays the same.
    pub async fn write(&self, envelope: &CommandEnvelope, payload: &[u8]) -> Result<Position, LogError> {
        let producer = self.working_producer()?;
        let record = FutureRecord::to(&self.topic)
            .partition(partition_of(&envelope.aggregate_id, self.partitions))
            .key(envelope.aggregate_id.as_str())
            .payload(payload)
            .headers(headers::command::write(envelope, &self.source));
        let delivery = producer.send(record, QUEUE_TIMEOUT).await.map_err(|(error, _)| error)?;
        Ok(Position { topic: self.topic.clone(), partition: delivery.partition, offset: delivery.offset })
    }

    /// The producer, replaced by a new one if it met a fatal error.
    fn working_producer(&self) -> Result<FutureProducer<KafkaLogContext>, LogError> {
        let current = self.producer.read().unwrap_or_else(PoisonError::into_inner).clone();
        if current.client().fatal_error().is_none() {
            return Ok(current);
        }
        let new = producer(&self.client)?;
        let old = {
            let mut place = self.producer.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *place, new.clone())
        };
        // Dropping the last reference to a producer waits for its threads.
        thread::spawn(move || drop((old, current)));
        Ok(new)
    }
}

/// A producer whose records are acknowledged by all in-sync replicas.
pub(super) fn producer(client: &ClientSettings) -> Result<FutureProducer<KafkaLogContext>, LogError> {
    Ok(client
        .base()
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("linger.ms", "0")
        .set("message.timeout.ms", DELIVERY_TIMEOUT_MS)
        .create_with_context(KafkaLogContext)?)
}
