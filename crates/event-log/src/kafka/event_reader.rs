//! Reads committed events from offsets of the caller's choice: as a member of a consumer group, or on its own.

mod partition_end;
mod rebalances;

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Arc, Mutex},
    time::Duration,
};

use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
    message::BorrowedMessage,
    topic_partition_list::Offset,
};
use tracing::warn;

use self::rebalances::{Rebalances, lock};
use super::client::{ClientSettings, is_passing};
use crate::{InvalidRecord, LogError, Position, RawRecord, Recorded, headers, partition_of};

/// How long a request to a broker may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// The next offset of each partition, by topic and partition.
pub type Bookmarks = BTreeMap<(String, i32), i64>;

/// What a reader returns. Clones share the event.
#[derive(Debug, Clone)]
pub enum Reading {
    /// The next event of some partition.
    Event(Arc<Recorded>),
    /// A record that is not a valid event. It stays in the log for ever, so the caller must decide what to do about it.
    Invalid {
        /// The record.
        record: RawRecord,
        /// Why it is not valid.
        reason: InvalidRecord,
    },
    /// The group assigned these partitions to this member. They are not read before [`EventReader::start`].
    Assigned(Vec<(String, i32)>),
    /// The group revoked these partitions. It waits until they are given back by [`EventReader::release`].
    Revoked(Vec<(String, i32)>),
    /// All committed records of this partition have been read.
    CaughtUp(i32),
    /// Nothing arrived within the timeout.
    Idle,
    /// Kafka cannot be reached. The reader reconnects by itself, without reporting it.
    OutOfReach(RDKafkaErrorCode),
}

impl Reading {
    /// The position of a record.
    pub fn position(&self) -> Option<&Position> {
        match self {
            Self::Event(recorded) => Some(&recorded.position),
            Self::Invalid { record, .. } => Some(&record.position),
            _ => None,
        }
    }

    /// The size of a record's payload in bytes.
    pub fn payload_bytes(&self) -> usize {
        match self {
            Self::Event(recorded) => recorded.payload.len(),
            Self::Invalid { record, .. } => record.payload.as_ref().map_or(0, Vec::len),
            _ => 0,
        }
    }
}

/// A reader of events. Its calls block, so it belongs on a thread of its own.
pub struct EventReader {
    consumer: BaseConsumer<Rebalances>,
    /// The partition count of each topic, which never changes.
    counts: Mutex<BTreeMap<String, i32>>,
}

impl EventReader {
    /// Joins the group `group` for `topics`.
    pub fn join(client: &ClientSettings, group: &str, topics: &[&str]) -> Result<Self, LogError> {
        let consumer: BaseConsumer<Rebalances> = client
            .committed_reader(group)
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", "6000")
            .set("heartbeat.interval.ms", "1500")
            .set("statistics.interval.ms", "1000")
            .create_with_context(Rebalances::default())?;
        consumer.subscribe(topics)?;
        Ok(Self { consumer, counts: Mutex::default() })
    }

    /// Reads these partitions, each from its offset, outside any group.
    pub fn assign(client: &ClientSettings, bookmarks: &Bookmarks) -> Result<Self, LogError> {
        // The client library requires a group; nothing is committed to it.
        let consumer: BaseConsumer<Rebalances> =
            client.committed_reader("unassigned").create_with_context(Rebalances::default())?;
        consumer.assign(&partitions(bookmarks)?)?;
        Ok(Self { consumer, counts: Mutex::default() })
    }

    /// Waits up to `timeout` for the next record or change.
    pub fn next(&self, timeout: Duration) -> Result<Reading, LogError> {
        let polled = self.consumer.poll(timeout);
        if let Some(change) = self.consumer.context().next_change() {
            debug_assert!(polled.is_none(), "a rebalance comes without a record");
            return Ok(change);
        }
        match polled {
            None => Ok(Reading::Idle),
            Some(Ok(message)) => Ok(reading(&message)),
            Some(Err(KafkaError::PartitionEOF(partition))) => Ok(Reading::CaughtUp(partition)),
            Some(Err(KafkaError::MessageConsumption(code))) if is_passing(code) => {
                Ok(Reading::OutOfReach(code))
            }
            Some(Err(error)) => Err(error.into()),
        }
    }

    /// Starts reading the assigned partitions, each at its offset, which [`available`](Self::available) has checked.
    pub fn start(&self, bookmarks: &Bookmarks) -> Result<(), LogError> {
        let partitions = partitions(bookmarks)?;
        self.consumer.context().starts(bookmarks.keys());
        self.consumer.incremental_assign(&partitions)?;
        // A partition that was paused when it was revoked would otherwise stay paused.
        Ok(self.consumer.resume(&partitions)?)
    }

    /// Gives revoked partitions back, once everything read of them is dealt with. The group assigns them to nobody else
    /// before, unless it has excluded this member.
    pub fn release(&self) -> Result<(), LogError> {
        Ok(self.consumer.context().give_back(&self.consumer)?)
    }

    /// Stops reading a partition until [`resume`](Self::resume).
    pub fn pause(&self, topic: &str, partition: i32) -> Result<(), LogError> {
        Ok(self.consumer.pause(&one(topic, partition))?)
    }

    /// Continues where [`pause`](Self::pause) stopped.
    pub fn resume(&self, topic: &str, partition: i32) -> Result<(), LogError> {
        Ok(self.consumer.resume(&one(topic, partition))?)
    }

    /// Whether Kafka answers within `timeout`.
    pub fn is_kafka_there(&self, timeout: Duration) -> bool {
        self.consumer.fetch_metadata(None, timeout).is_ok()
    }

    /// The offset after the last committed record of a partition, markers included, as of up to a second ago. `None`
    /// while it is not known.
    pub fn end(&self, topic: &str, partition: i32) -> Option<i64> {
        self.consumer.context().end(topic, partition)
    }

    /// The events that an open transaction has hidden for the longest time, and for how long. Our own transactions last
    /// for seconds at most.
    pub fn hidden(&self) -> Option<(Position, Duration)> {
        self.consumer.context().hidden()
    }

    /// Commits the offsets to the group, for monitoring tools. This is only a hint: no reader starts from them.
    pub fn hint(&self, bookmarks: &Bookmarks) -> Result<(), LogError> {
        Ok(self.consumer.commit(&partitions(bookmarks)?, CommitMode::Async)?)
    }

    /// Parses a record of an assigned partition, from whatever source, as an event of that partition.
    pub fn read(&self, record: &RawRecord) -> Result<Recorded, InvalidRecord> {
        let recorded = record.read()?;
        if self.is_at_home(&recorded) { Ok(recorded) } else { Err(InvalidRecord::Partition) }
    }

    /// The offsets of a partition that can be read, if they include or end at `next`.
    ///
    /// [`LogError::BeginningDeleted`] if the partition begins after it. Kafka's own error would not say where.
    pub fn available(&self, topic: &str, partition: i32, next: i64) -> Result<Range<i64>, LogError> {
        self.count_partitions(topic)?;
        let (first, end) = self.consumer.fetch_watermarks(topic, partition, CALL_TIMEOUT)?;
        if next < first {
            return Err(LogError::BeginningDeleted { topic: topic.to_owned(), partition, first, next });
        }
        if next > end {
            return Err(KafkaError::MessageConsumption(RDKafkaErrorCode::OffsetOutOfRange).into());
        }
        Ok(first..end)
    }

    fn count_partitions(&self, topic: &str) -> Result<(), LogError> {
        let mut counts = lock(&self.counts);
        if !counts.contains_key(topic) {
            let metadata = self.consumer.fetch_metadata(Some(topic), CALL_TIMEOUT)?;
            let count = metadata.topics().iter().map(|known| known.partitions().len()).max().unwrap_or(0);
            counts.insert(topic.to_owned(), i32::try_from(count).unwrap_or(i32::MAX));
        }
        Ok(())
    }

    /// Whether an event is in the partition that its key hashes to. Elsewhere it would have no order relative to its
    /// aggregate's other events.
    pub fn is_at_home(&self, recorded: &Recorded) -> bool {
        let Position { topic, partition, .. } = &recorded.position;
        let count = lock(&self.counts).get(topic).copied().filter(|count| *count > 0);
        count.is_none_or(|count| partition_of(&recorded.envelope.aggregate_id, count) == *partition)
    }
}

fn partitions(bookmarks: &Bookmarks) -> Result<TopicPartitionList, KafkaError> {
    let mut list = TopicPartitionList::with_capacity(bookmarks.len());
    for ((topic, partition), next) in bookmarks {
        list.add_partition_offset(topic, *partition, Offset::Offset(*next))?;
    }
    Ok(list)
}

fn reading(message: &BorrowedMessage<'_>) -> Reading {
    match headers::read(message) {
        Ok(recorded) => Reading::Event(Arc::new(recorded)),
        Err(reason) => Reading::Invalid { record: RawRecord::of(message), reason },
    }
}

fn one(topic: &str, partition: i32) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(1);
    list.add_partition(topic, partition);
    list
}

impl Drop for EventReader {
    /// The consumer leaves the group when it is dropped, and waits until every assignment and revocation is answered.
    fn drop(&mut self) {
        if let Err(error) = self.consumer.context().leave(&self.consumer) {
            warn!(%error, "the group could not be answered");
        }
    }
}
