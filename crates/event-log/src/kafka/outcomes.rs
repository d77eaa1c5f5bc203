//! Reading what became of commands, for a table that is asked for it.

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

/// What became of a command, as a JSON document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The command's id, or the position of a record that was no command.
    pub key: String,
    /// The document; it is empty where somebody has written a record without one.
    pub document: Vec<u8>,
    /// Where it stands.
    pub position: Position,
}

/// A member of a consumer group that reads a context's outcomes, each at least once. Its calls block, so it belongs on a
/// thread of its own.
pub struct OutcomeReader(BaseConsumer<KafkaLogContext>);

impl OutcomeReader {
    /// Joins `group`, whose members share the outcomes and begin with the oldest that Kafka keeps.
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

    /// Waits for an outcome, `timeout` at most, and takes what is at hand with it, `most` at most. It goes on by itself
    /// when Kafka has been away.
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

    /// Tells the group that these are dealt with. After an error they may come again, here or at another member.
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
