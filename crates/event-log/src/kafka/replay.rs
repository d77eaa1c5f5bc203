//! Reading a partition from an offset to its end as it was at one moment, surely and completely.

use std::{
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
    message::BorrowedMessage,
    topic_partition_list::Offset,
};

use super::{
    client::{ClientSettings, is_passing},
    voice::Voice,
};
use crate::{LogError, Recorded, headers};

/// How long a replay may stand still.
const STALL: Duration = Duration::from_secs(15);
/// How long one question to a broker may take.
const CALL: Duration = Duration::from_secs(5);
/// The pause between two looks at a partition that is not as it will be in a moment.
const PAUSE: Duration = Duration::from_millis(5);
/// How long one wait for the next record lasts.
const POLL: Duration = Duration::from_millis(100);

/// Hands every event from offset `next` to the present end of a partition to `fold`, in order. It blocks.
pub fn read_partition(
    client: &ClientSettings,
    topic: &str,
    partition: i32,
    next: i64,
    fold: &mut dyn FnMut(Recorded) -> Result<(), LogError>,
) -> Result<(), LogError> {
    replay(client, topic, partition, next, &mut |message| {
        let recorded = headers::read(message)
            .map_err(|source| LogError::Invalid { position: headers::position(message), source })?;
        fold(recorded)
    })
}

/// Hands every committed record from offset `next` to the end of the partition to `fold`.
///
/// The end is the high watermark when this is called: the caller has shut all other writers out before. Commit
/// markers take offsets without being seen, so the last record's offset says nothing about having arrived. Instead:
/// once the last stable offset has reached the watermark, the consumer's first end-of-partition means that
/// everything below has been handed over.
pub(super) fn replay(
    client: &ClientSettings,
    topic: &str,
    partition: i32,
    next: i64,
    fold: &mut dyn FnMut(&BorrowedMessage<'_>) -> Result<(), LogError>,
) -> Result<(), LogError> {
    let (start, mark) = watermarks(&client.uncommitted_view()?, topic, partition)?;
    let next = next.max(start);
    if next >= mark {
        return Ok(());
    }
    let mut progress = Progress { topic, partition, mark, last: Instant::now() };
    let consumer: BaseConsumer<Voice> =
        client.committed_reader(&format!("{topic}-replay")).create_with_context(Voice)?;
    while watermarks(&consumer, topic, partition)?.1 < mark {
        progress.check()?;
        // Another partition's transaction holds the stable offset back; Kafka ends it by its time-out at the latest.
        thread::sleep(PAUSE);
    }
    let mut from = TopicPartitionList::new();
    from.add_partition_offset(topic, partition, Offset::Offset(next))?;
    consumer.assign(&from)?;
    loop {
        match consumer.poll(POLL) {
            Some(Ok(message)) => {
                fold(&message)?;
                progress.last = Instant::now();
            }
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(()),
            Some(Err(KafkaError::MessageConsumption(code))) if is_passing(code) => progress.check()?,
            Some(Err(error)) => return Err(error.into()),
            None => progress.check()?,
        }
    }
}

/// The first offset and the end. A broker needs a moment until it knows that it leads a new partition.
fn watermarks(consumer: &BaseConsumer<Voice>, topic: &str, partition: i32) -> Result<(i64, i64), LogError> {
    let deadline = Instant::now() + CALL;
    loop {
        let watermarks = consumer.fetch_watermarks(topic, partition, CALL);
        let code = watermarks.as_ref().err().and_then(KafkaError::rdkafka_error_code);
        if code != Some(RDKafkaErrorCode::NotLeaderForPartition) || Instant::now() >= deadline {
            return Ok(watermarks?);
        }
        thread::sleep(PAUSE);
    }
}

struct Progress<'a> {
    topic: &'a str,
    partition: i32,
    mark: i64,
    last: Instant,
}

impl Progress<'_> {
    fn check(&self) -> Result<(), LogError> {
        if self.last.elapsed() < STALL {
            return Ok(());
        }
        Err(LogError::ReplayStalled {
            topic: self.topic.to_owned(),
            partition: self.partition,
            mark: self.mark,
            waited: STALL,
        })
    }
}
