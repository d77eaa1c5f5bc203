//! Reads the commands of the partitions that this instance owns.

use std::time::Duration;

use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
    topic_partition_list::Offset,
};
use tracing::warn;

use super::{
    client::{ClientSettings, is_passing},
    context::KafkaLogContext,
};
use crate::{CommandRecord, LogError, Topics, headers};

/// How long a request to a broker may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Reads committed commands from the offsets that the caller chooses. Its calls block, so it belongs on a thread of its
/// own.
pub struct CommandReader {
    consumer: BaseConsumer<KafkaLogContext>,
    /// A separate client for queries, which must not wait behind the consumer's long fetches.
    queries: BaseConsumer<KafkaLogContext>,
    topic: String,
    partitions: i32,
}

impl CommandReader {
    /// A reader without partitions. It asks Kafka for the partition count of the topic.
    pub fn new(client: &ClientSettings, topics: &Topics) -> Result<Self, LogError> {
        let topic = topics.commands();
        let queries = client.uncommitted_view()?;
        let partitions = partition_count(&queries, &topic)?;
        let consumer = client
            .committed_reader(&topics.deciders())
            .set("enable.partition.eof", "false")
            // Prefetched records take memory, and a pause discards them.
            .set("queued.min.messages", "1000")
            .set("queued.max.messages.kbytes", "8192")
            .create_with_context(KafkaLogContext)?;
        Ok(Self { consumer, queries, topic, partitions })
    }

    /// Starts reading a partition at offset `next`, or at the oldest offset that Kafka still has.
    pub fn start(&self, partition: i32, next: i64) -> Result<(), LogError> {
        let (first, _) = self.queries.fetch_watermarks(&self.topic, partition, CALL_TIMEOUT)?;
        if next < first {
            warn!(partition, next, first, "commands before the first that Kafka keeps were never read");
        }
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, partition, Offset::Offset(next.max(first)))?;
        self.consumer.incremental_assign(&list)?;
        // A partition that was paused when it was stopped would otherwise stay paused.
        Ok(self.consumer.resume(&list)?)
    }

    /// Stops reading the partition and discards what was prefetched.
    pub fn stop(&self, partition: i32) -> Result<(), LogError> {
        Ok(self.consumer.incremental_unassign(&self.only(partition))?)
    }

    /// Stops reading the partition until [`resume`](Self::resume), which continues where this stopped.
    pub fn pause(&self, partition: i32) -> Result<(), LogError> {
        Ok(self.consumer.pause(&self.only(partition))?)
    }

    /// Continues with a paused partition.
    pub fn resume(&self, partition: i32) -> Result<(), LogError> {
        Ok(self.consumer.resume(&self.only(partition))?)
    }

    /// Waits up to `timeout` for the next record of any partition. Reconnects by itself after Kafka was unavailable.
    pub fn next(&self, timeout: Duration) -> Result<Option<CommandRecord>, LogError> {
        match self.consumer.poll(timeout) {
            Some(Ok(message)) => Ok(Some(headers::command::read(&message, self.partitions))),
            Some(Err(KafkaError::MessageConsumption(code))) if is_passing(code) => Ok(None),
            Some(Err(error)) => Err(error.into()),
            None => Ok(None),
        }
    }

    fn only(&self, partition: i32) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        list.add_partition(&self.topic, partition);
        list
    }
}

/// How many partitions a topic has.
pub(super) fn partition_count(view: &BaseConsumer<KafkaLogContext>, topic: &str) -> Result<i32, LogError> {
    let metadata = view.fetch_metadata(Some(topic), CALL_TIMEOUT)?;
    let count = metadata.topics().first().map_or(0, |found| found.partitions().len());
    if count == 0 {
        let missing = RDKafkaErrorCode::UnknownTopicOrPartition;
        return Err(KafkaError::MetadataFetch(missing).into());
    }
    Ok(i32::try_from(count).expect("Kafka counts partitions in 32 bits"))
}
