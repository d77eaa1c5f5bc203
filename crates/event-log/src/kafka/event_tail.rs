//! Reading a context's events from outside of any group: for people who look, and for copies.

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

/// What a partition has had committed at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetRange {
    /// Its number.
    pub partition: i32,
    /// Its first offset.
    pub first: i64,
    /// The offset after the last that is committed.
    pub end: i64,
}

/// Takes each record that is looked at; one that is no event comes as what is wrong with it.
pub type Visit<'a> = &'a mut dyn FnMut(Result<Recorded, LogError>) -> Result<(), LogError>;

/// What every partition of a topic has had committed now. It blocks.
pub fn committed_ranges(client: &ClientSettings, topic: &str) -> Result<Vec<OffsetRange>, LogError> {
    let view: BaseConsumer<KafkaLogContext> =
        client.committed_reader(&format!("{topic}-onlooker")).create_with_context(KafkaLogContext)?;
    let stretch = |partition| {
        let (first, end) = watermarks(&view, topic, partition)?;
        Ok(OffsetRange { partition, first, end })
    };
    (0..partition_count(&view, topic)?).map(stretch).collect()
}

/// Hands every committed record of a stretch to `look`, in order, and nothing beyond. It blocks.
pub fn read_range(
    client: &ClientSettings,
    topic: &str,
    stretch: OffsetRange,
    look: Visit<'_>,
) -> Result<(), LogError> {
    let OffsetRange { partition, first, end } = stretch;
    Reader::open(client, &format!("{topic}-onlooker"))?.replay(topic, partition, first, end, &mut |message| {
        if message.offset() < end { look(event(message)) } else { Ok(()) }
    })
}

/// Sees the events of a topic as they are committed. It is no member of a group: nobody reads less because of it. Its
/// calls block.
pub struct EventTail(BaseConsumer<KafkaLogContext>);

impl EventTail {
    /// Begins at the first offset of each stretch, whatever its end.
    pub fn open(client: &ClientSettings, topic: &str, from: &[OffsetRange]) -> Result<Self, LogError> {
        let consumer: BaseConsumer<KafkaLogContext> = client
            .committed_reader(&format!("{topic}-onlooker"))
            .set("enable.partition.eof", "false")
            .create_with_context(KafkaLogContext)?;
        let mut starts = TopicPartitionList::new();
        for stretch in from {
            starts.add_partition_offset(topic, stretch.partition, Offset::Offset(stretch.first))?;
        }
        consumer.assign(&starts)?;
        Ok(Self(consumer))
    }

    /// Waits for the next record, `timeout` at most. It goes on by itself when Kafka has been away.
    pub fn next(&self, timeout: Duration) -> Result<Option<Result<Recorded, LogError>>, LogError> {
        match self.0.poll(timeout) {
            Some(Ok(message)) => Ok(Some(event(&message))),
            Some(Err(KafkaError::MessageConsumption(code))) if is_passing(code) => Ok(None),
            Some(Err(error)) => Err(error.into()),
            None => Ok(None),
        }
    }
}

/// A record as the event that it must be.
fn event(message: &BorrowedMessage<'_>) -> Result<Recorded, LogError> {
    headers::read(message)
        .map_err(|source| LogError::Invalid { position: headers::position(message), source })
}
