//! A member of a consumer group that reads committed events and starts each partition at an offset of the caller's
//! choice.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rdkafka::{
    ClientContext, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext},
    error::{KafkaError, RDKafkaErrorCode},
    message::BorrowedMessage,
    statistics::Statistics,
    topic_partition_list::Offset,
    types::RDKafkaRespErr,
};
use tracing::{info, warn};

use super::{
    client::{ClientSettings, is_passing},
    context,
};
use crate::{InvalidRecord, LogError, Position, RawRecord, Recorded, headers, partition_of};

/// How long a request to a broker may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// The next offset of each partition, by topic and partition.
pub type Bookmarks = BTreeMap<(String, i32), i64>;

/// What a reader returns.
#[derive(Debug)]
pub enum Reading {
    /// The next event of some partition.
    Event(Box<Recorded>),
    /// A record that is not a valid event. It stays in the log for ever, so the caller must decide what to do about it.
    Invalid {
        /// The record.
        record: RawRecord,
        /// Why it is not valid.
        reason: InvalidRecord,
    },
    /// The group assigned these partitions to this member. They are not read before [`GroupReader::start`].
    Assigned(Vec<(String, i32)>),
    /// The group revoked these partitions. They are no longer read.
    Revoked(Vec<(String, i32)>),
    /// All committed records of this partition have been read.
    CaughtUp(i32),
    /// Nothing arrived within the timeout.
    Idle,
    /// Kafka cannot be reached. The reader reconnects by itself, without reporting it.
    OutOfReach(RDKafkaErrorCode),
}

/// A member of a consumer group. Its calls block, so it belongs on a thread of its own.
pub struct GroupReader {
    consumer: BaseConsumer<Rebalances>,
    /// The partition count of each topic, which never changes.
    counts: Mutex<BTreeMap<String, i32>>,
}

impl GroupReader {
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

    /// Waits up to `timeout` for the next record or change.
    pub fn next(&self, timeout: Duration) -> Result<Reading, LogError> {
        let polled = self.consumer.poll(timeout);
        if let Some(change) = lock(&self.consumer.context().changes).pop_front() {
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

    /// Starts reading the assigned partitions, each at its offset.
    pub fn start(&self, bookmarks: &Bookmarks) -> Result<(), LogError> {
        for (topic, _) in bookmarks.keys() {
            self.count_partitions(topic)?;
        }
        let partitions = partitions(bookmarks)?;
        self.consumer.incremental_assign(&partitions)?;
        // A partition that was paused when it was revoked would otherwise stay paused.
        Ok(self.consumer.resume(&partitions)?)
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
        let ends = lock(&self.consumer.context().ends);
        ends.get(&(topic.to_owned(), partition)).copied()
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
        Ok(recorded) => Reading::Event(Box::new(recorded)),
        Err(reason) => Reading::Invalid { record: RawRecord::of(message), reason },
    }
}

fn one(topic: &str, partition: i32) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(1);
    list.add_partition(topic, partition);
    list
}

/// Records what the group decides. An assignment waits for the offsets; a revocation takes effect at once.
#[derive(Default)]
struct Rebalances {
    changes: Mutex<VecDeque<Reading>>,
    ends: Mutex<Bookmarks>,
}

fn lock<T>(notes: &Mutex<T>) -> MutexGuard<'_, T> {
    notes.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ClientContext for Rebalances {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        context::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        context::report(&error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        let mut ends = lock(&self.ends);
        for (name, topic) in statistics.topics {
            let known = topic.partitions.values().filter(|part| part.ls_offset >= 0);
            ends.extend(known.map(|part| ((name.clone(), part.partition), part.ls_offset)));
        }
    }
}

impl ConsumerContext for Rebalances {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, event: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let named = list.elements().iter().map(|part| (part.topic().to_owned(), part.partition())).collect();
        match event {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                info!(partitions = ?named, "partitions assigned");
                lock(&self.changes).push_back(Reading::Assigned(named));
            }
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS => {
                info!(partitions = ?named, "partitions revoked");
                if let Err(error) = consumer.incremental_unassign(list) {
                    warn!(%error, "revoked partitions could not be given back");
                }
                lock(&self.changes).push_back(Reading::Revoked(named));
            }
            other => warn!(code = %RDKafkaErrorCode::from(other), "the consumer group could not be balanced"),
        }
    }
}
