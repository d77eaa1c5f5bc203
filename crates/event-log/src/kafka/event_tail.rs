//! Reads a context's events outside any consumer group, for the command line and for copies.

use std::time::Duration;

use rdkafka::{
    Message, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::BorrowedMessage,
    topic_partition_list::Offset,
};

use super::{
    client::{ClientSettings, is_passing},
    command_reader::partition_count,
    context::KafkaLogContext,
    replay::{Reader, watermarks},
};
use crate::{LogError, Recorded, headers};

/// The committed range of a partition at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetRange {
    /// The partition.
    pub partition: i32,
    /// The first offset.
    pub first: i64,
    /// The offset after the last committed record.
    pub end: i64,
}

/// Receives each record that is read; an invalid one arrives as an error.
pub type Visit<'a> = &'a mut dyn FnMut(Result<Recorded, LogError>) -> Result<(), LogError>;

/// The committed range of every partition of a topic. Blocks.
pub fn committed_ranges(client: &ClientSettings, topic: &str) -> Result<Vec<OffsetRange>, LogError> {
    let view: BaseConsumer<KafkaLogContext> =
        client.committed_reader(&format!("{topic}-onlooker")).create_with_context(KafkaLogContext)?;
    let range = |partition| {
        let (first, end) = watermarks(&view, topic, partition)?;
        Ok(OffsetRange { partition, first, end })
    };
    (0..partition_count(&view, topic)?).map(range).collect()
}

/// Passes every committed record of a range to `look`, in order, and none beyond it. Blocks.
pub fn read_range(
    client: &ClientSettings,
    topic: &str,
    range: OffsetRange,
    look: Visit<'_>,
) -> Result<(), LogError> {
    let OffsetRange { partition, first, end } = range;
    Reader::open(client, &format!("{topic}-onlooker"))?.replay(topic, partition, first, end, &mut |message| {
        if message.offset() < end { look(event(message)) } else { Ok(()) }
    })
}

/// Follows the events of a topic as they are committed. It is not a member of a group, so it takes no records from
/// other readers. Its calls block.
pub struct EventTail(BaseConsumer<KafkaLogContext>);

impl EventTail {
    /// Starts at the first offset of each range; the ends are ignored.
    pub fn open(client: &ClientSettings, topic: &str, from: &[OffsetRange]) -> Result<Self, LogError> {
        let consumer: BaseConsumer<KafkaLogContext> = client
            .committed_reader(&format!("{topic}-onlooker"))
            .set("enable.partition.eof", "false")
            .create_with_context(KafkaLogContext)?;
        let mut starts = TopicPartitionList::new();
        for range in from {
            starts.add_partition_offset(topic, range.partition, Offset::Offset(range.first))?;
        }
        consumer.assign(&starts)?;
        Ok(Self(consumer))
    }

    /// Waits up to `timeout` for the next record. Reconnects by itself after Kafka was unavailable.
    pub fn next(&self, timeout: Duration) -> Result<Option<Result<Recorded, LogError>>, LogError> {
        match self.0.poll(timeout) {
            Some(Ok(message)) => Ok(Some(event(&message))),
            Some(Err(KafkaError::MessageConsumption(code))) if is_passing(code) => Ok(None),
            Some(Err(error)) => Err(error.into()),
            None => Ok(None),
        }
    }
}

/// Parses a record as an event.
fn event(message: &BorrowedMessage<'_>) -> Result<Recorded, LogError> {
    headers::read(message)
        .map_err(|source| LogError::Invalid { position: headers::position(message), source })
}
