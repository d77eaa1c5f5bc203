//! Reads a small topic once, from its first record to its end.

use std::time::{Duration, Instant};

use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::BorrowedMessage,
    topic_partition_list::Offset,
};

use super::{
    client::{ClientSettings, is_passing},
    command_reader::partition_count,
    context::KafkaLogContext,
};
use crate::LogError;

/// How long to wait for a record before the end is reached.
const STALL_TIMEOUT: Duration = Duration::from_secs(15);
/// How long one wait for the next record lasts.
const POLL_TIMEOUT: Duration = Duration::from_millis(100);

/// Passes every committed record of a topic to `take`, in the order of each partition.
pub(super) fn read_whole(
    client: &ClientSettings,
    topic: &str,
    take: &mut dyn FnMut(&BorrowedMessage<'_>),
) -> Result<(), LogError> {
    let consumer: BaseConsumer<KafkaLogContext> =
        client.committed_reader(&format!("{topic}-reader")).create_with_context(KafkaLogContext)?;
    let mut open = partition_count(&consumer, topic)?;
    let mut all = TopicPartitionList::new();
    for partition in 0..open {
        all.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&all)?;
    let mut last = Instant::now();
    while open > 0 {
        match consumer.poll(POLL_TIMEOUT) {
            Some(Ok(message)) => {
                take(&message);
                last = Instant::now();
            }
            Some(Err(KafkaError::PartitionEOF(_))) => open -= 1,
            Some(Err(KafkaError::MessageConsumption(code))) if is_passing(code) => {}
            Some(Err(error)) => return Err(error.into()),
            None => {}
        }
        if open > 0 && last.elapsed() > STALL_TIMEOUT {
            return Err(LogError::TimedOut(STALL_TIMEOUT));
        }
    }
    Ok(())
}
