//! Reads a partition completely, from an offset to its end at one moment.

use std::{
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
    message::{BorrowedMessage, Message},
    topic_partition_list::Offset,
};

use metrics::counter;
use tracing::error;

use super::{
    client::{ClientSettings, Detached, is_passing},
    context::KafkaLogContext,
};
use crate::{
    LogError, Recorded,
    headers::{self, Fields},
};

/// How long a replay may make no progress.
const STALL_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a request to a broker may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause between two checks of a partition that is about to change.
const PAUSE: Duration = Duration::from_millis(2);
/// How long one wait for the next record lasts.
const POLL_TIMEOUT: Duration = Duration::from_millis(100);
/// How long the broker delays an empty response, in milliseconds; the end of a partition is detected this late.
const FETCH_WAIT_MS: &str = "2";

/// Passes every event from offset `next` to the current end of a partition to `fold`, in order. Blocks.
pub fn read_partition(
    client: &ClientSettings,
    topic: &str,
    partition: i32,
    next: i64,
    fold: &mut dyn FnMut(Recorded) -> Result<(), LogError>,
) -> Result<(), LogError> {
    let mark = watermarks(&**client.ends()?, topic, partition)?.1;
    Reader::open(client, &format!("{topic}-replay"))?
        .replay(topic, partition, next, mark, &mut |message| hand(message, fold))
}

/// Parses a record as an event and passes it to `fold`.
///
/// A record that no owner wrote is skipped with a warning: it would otherwise stop every owner for ever. No event can
/// be lost this way: an owner's events are numbered within the partition, and a gap is detected when they are folded.
pub(super) fn hand(
    message: &BorrowedMessage<'_>,
    fold: &mut dyn FnMut(Recorded) -> Result<(), LogError>,
) -> Result<(), LogError> {
    match headers::read(message) {
        Ok(recorded) => fold(recorded),
        Err(source) if is_foreign(message) => {
            let position = headers::position(message);
            counter!("event_log_foreign_records_total", "topic" => position.topic.clone()).increment(1);
            error!(%position, "the record at {position} is not an event and nothing of ours, it is passed over: {source}");
            Ok(())
        }
        Err(source) => Err(LogError::Invalid { position: headers::position(message), source }),
    }
}

/// Whether a record has none of the headers of an event. An owner writes all of them.
fn is_foreign(message: &BorrowedMessage<'_>) -> bool {
    const OURS: [&str; 4] = ["aggregate_version", "command_id", "owner_epoch", "partition_sequence"];
    let is_ours = |name: &str| name.starts_with("ce_") || OURS.contains(&name);
    !Fields::of(message).0.iter().any(|header| is_ours(header.key))
}

/// A consumer of committed records that reads one range of a partition at a time and is idle in between.
pub(super) struct Reader(Detached<BaseConsumer<KafkaLogContext>>);

impl Reader {
    /// A reader that uses the offsets of `group` without being a member.
    pub(super) fn open(client: &ClientSettings, group: &str) -> Result<Self, LogError> {
        let mut config = client.committed_reader(group);
        let consumer = config.set("fetch.wait.max.ms", FETCH_WAIT_MS).create_with_context(KafkaLogContext)?;
        Ok(Self(Detached::new(consumer)))
    }

    /// The underlying consumer.
    pub(super) fn consumer(&self) -> &BaseConsumer<KafkaLogContext> {
        &self.0
    }

    /// Passes every committed record from offset `next` up to `mark` to `fold`. It may read slightly beyond `mark`.
    ///
    /// Commit markers occupy offsets but are never delivered, so the offset of the last record does not show whether
    /// the mark is reached. Instead: once the last stable offset has reached the mark, the consumer's first
    /// end-of-partition means that everything below it has been delivered.
    pub(super) fn replay(
        &self,
        topic: &str,
        partition: i32,
        next: i64,
        mark: i64,
        fold: &mut dyn FnMut(&BorrowedMessage<'_>) -> Result<(), LogError>,
    ) -> Result<(), LogError> {
        if next >= mark {
            return Ok(());
        }
        let mut progress = Progress { topic, partition, mark, last: Instant::now() };
        let start = self.await_stable(&mut progress)?;
        if start >= mark {
            return Ok(());
        }
        let mut from = TopicPartitionList::new();
        from.add_partition_offset(topic, partition, Offset::Offset(next.max(start)))?;
        self.0.assign(&from)?;
        let replayed = self.hand_over(&mut progress, fold);
        self.0.unassign()?;
        replayed
    }

    /// Waits until no transaction is open below the mark, and returns the partition's first offset. Kafka aborts an
    /// abandoned transaction after its timeout.
    fn await_stable(&self, progress: &mut Progress<'_>) -> Result<i64, LogError> {
        loop {
            let (start, stable) = watermarks(&self.0, progress.topic, progress.partition)?;
            if stable >= progress.mark {
                return Ok(start);
            }
            progress.check()?;
            thread::sleep(PAUSE);
        }
    }

    fn hand_over(
        &self,
        progress: &mut Progress<'_>,
        fold: &mut dyn FnMut(&BorrowedMessage<'_>) -> Result<(), LogError>,
    ) -> Result<(), LogError> {
        loop {
            match self.0.poll(POLL_TIMEOUT) {
                Some(Ok(message)) => {
                    fold(&message)?;
                    // While another producer goes on writing, the end of the partition may never be reported.
                    if message.offset() + 1 >= progress.mark {
                        return Ok(());
                    }
                    progress.last = Instant::now();
                }
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(()),
                Some(Err(KafkaError::MessageConsumption(code))) if is_passing(code) => progress.check()?,
                Some(Err(error)) => return Err(error.into()),
                None => progress.check()?,
            }
        }
    }
}

/// The first offset and the end of a partition. A broker needs a moment until it knows that it leads a new partition.
pub(super) fn watermarks(
    consumer: &BaseConsumer<KafkaLogContext>,
    topic: &str,
    partition: i32,
) -> Result<(i64, i64), LogError> {
    let deadline = Instant::now() + CALL_TIMEOUT;
    loop {
        let watermarks = consumer.fetch_watermarks(topic, partition, CALL_TIMEOUT);
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
        if self.last.elapsed() < STALL_TIMEOUT {
            return Ok(());
        }
        Err(LogError::ReplayStalled {
            topic: self.topic.to_owned(),
            partition: self.partition,
            mark: self.mark,
            waited: STALL_TIMEOUT,
        })
    }
}
