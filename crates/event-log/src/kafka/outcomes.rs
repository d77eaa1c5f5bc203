//! Reads the outcomes of commands, for the table that serves them.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rdkafka::{
    Message, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
    error::KafkaError,
    message::BorrowedMessage,
    topic_partition_list::Offset,
};

use super::{
    client::{ClientSettings, is_passing},
    context::KafkaLogContext,
};
use crate::{LogError, Position, Topics, headers};

/// The outcome of a command, as a JSON document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The command's id, or the position of a record that is not a valid command.
    pub key: String,
    /// The document; empty if a record has none.
    pub document: Vec<u8>,
    /// The position of the record.
    pub position: Position,
}

/// A member of a consumer group that reads a context's outcomes, each at least once. Its calls block, so it belongs on
/// a thread of its own.
pub struct OutcomeReader(BaseConsumer<KafkaLogContext>);

impl OutcomeReader {
    /// Joins `group`, whose members share the outcomes. A new group begins with the oldest outcome that Kafka keeps.
    pub fn join(client: &ClientSettings, topics: &Topics, group: &str) -> Result<Self, LogError> {
        let consumer: BaseConsumer<KafkaLogContext> = client
            .committed_reader(group)
            .set("auto.offset.reset", "earliest")
            .set("enable.partition.eof", "false")
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", "6000")
            .set("heartbeat.interval.ms", "1500")
            .set("queued.max.messages.kbytes", "8192")
            .create_with_context(KafkaLogContext)?;
        consumer.subscribe(&[&topics.outcomes()])?;
        Ok(Self(consumer))
    }

    /// Waits up to `timeout` for an outcome and returns it with those that have been prefetched, `most` at most.
    /// Reconnects by itself after Kafka was unavailable.
    pub fn next(&self, most: usize, timeout: Duration) -> Result<Vec<Outcome>, LogError> {
        let mut batch = Vec::new();
        let deadline = Instant::now() + timeout;
        while batch.len() < most {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.0.poll(if batch.is_empty() { left } else { Duration::ZERO }) {
                Some(Ok(message)) => batch.push(outcome(&message)),
                Some(Err(KafkaError::MessageConsumption(code))) if is_passing(code) => {}
                Some(Err(error)) => return Err(error.into()),
                None if batch.is_empty() && Instant::now() < deadline => {}
                None => break,
            }
        }
        Ok(batch)
    }

    /// Commits that these have been processed. After an error they may be delivered again, here or to another member.
    pub fn commit(&self, batch: &[Outcome]) -> Result<(), LogError> {
        let mut ends = BTreeMap::new();
        for Position { topic, partition, offset } in batch.iter().map(|outcome| &outcome.position) {
            ends.insert((topic.clone(), *partition), Offset::Offset(offset + 1));
        }
        let ends = TopicPartitionList::from_topic_map(&ends.into_iter().collect())?;
        Ok(self.0.commit(&ends, CommitMode::Sync)?)
    }
}

pub(super) fn outcome(message: &BorrowedMessage<'_>) -> Outcome {
    Outcome {
        key: String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned(),
        document: message.payload().unwrap_or_default().to_vec(),
        position: headers::position(message),
    }
}
