//! Reading the commands of the partitions that are owned here.

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

/// How long one question to a broker may take.
const CALL: Duration = Duration::from_secs(5);

/// Reads committed commands, from where its caller says. Its calls block, so it belongs on a thread of its own.
pub struct CommandReader {
    consumer: BaseConsumer<KafkaLogContext>,
    /// Its questions do not queue behind the consumer's long fetches.
    questions: BaseConsumer<KafkaLogContext>,
    topic: String,
    partitions: i32,
}

impl CommandReader {
    /// Reads nothing yet. It asks Kafka how many partitions there are.
    pub fn new(client: &ClientSettings, topics: &Topics) -> Result<Self, LogError> {
        let topic = topics.commands();
        let questions = client.uncommitted_view()?;
        let partitions = partition_count(&questions, &topic)?;
        let consumer = client
            .committed_reader(&topics.deciders())
            .set("enable.partition.eof", "false")
            // A partition that is started waits for the fetch of the others to end.
            .set("fetch.wait.max.ms", "20")
            // What is read ahead is in memory, and thrown away by a pause.
            .set("queued.min.messages", "1000")
            .set("queued.max.messages.kbytes", "8192")
            .create_with_context(KafkaLogContext)?;
        Ok(Self { consumer, questions, topic, partitions })
    }

    /// Begins to read a partition at offset `next`, or at the first one that Kafka still keeps.
    pub fn start(&self, partition: i32, next: i64) -> Result<(), LogError> {
        let (first, _) = self.questions.fetch_watermarks(&self.topic, partition, CALL)?;
        if next < first {
            warn!(partition, next, first, "commands before the first that Kafka keeps were never read");
        }
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, partition, Offset::Offset(next.max(first)))?;
        Ok(self.consumer.incremental_assign(&list)?)
    }

    /// Reads the partition no more, not even what is at hand already.
    pub fn stop(&self, partition: i32) -> Result<(), LogError> {
        Ok(self.consumer.incremental_unassign(&self.only(partition))?)
    }

    /// Reads nothing more of the partition until [`resume`](Self::resume), which goes on where this stopped.
    pub fn pause(&self, partition: i32) -> Result<(), LogError> {
        Ok(self.consumer.pause(&self.only(partition))?)
    }

    /// Goes on with a partition that is paused.
    pub fn resume(&self, partition: i32) -> Result<(), LogError> {
        Ok(self.consumer.resume(&self.only(partition))?)
    }

    /// Waits for the next record of some partition, `timeout` at most. It goes on by itself when Kafka has been away.
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
    let metadata = view.fetch_metadata(Some(topic), CALL)?;
    let count = metadata.topics().first().map_or(0, |found| found.partitions().len());
    if count == 0 {
        let missing = RDKafkaErrorCode::UnknownTopicOrPartition;
        return Err(KafkaError::MetadataFetch(missing).into());
    }
    Ok(i32::try_from(count).expect("Kafka counts partitions in 32 bits"))
}
