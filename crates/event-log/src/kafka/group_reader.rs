//! A member of a consumer group that reads committed events and starts each partition where its caller says.

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

/// How long one question to a broker may take.
const CALL: Duration = Duration::from_secs(5);

/// Where to go on in each partition: topic and partition to the next offset.
pub type Bookmarks = BTreeMap<(String, i32), i64>;

/// What a reader has to tell.
#[derive(Debug)]
pub enum Reading {
    /// The next event of some partition.
    Event(Box<Recorded>),
    /// A record that is not an event. It stands in the log for ever, so somebody has to decide what becomes of it.
    Invalid {
        /// The record.
        record: RawRecord,
        /// What is wrong with it.
        reason: InvalidRecord,
    },
    /// The group gave these partitions to this member; nothing is read of them before [`GroupReader::start`].
    Assigned(Vec<(String, i32)>),
    /// The group took these partitions away; they are not read any more.
    Revoked(Vec<(String, i32)>),
    /// Everything that is committed in this partition has been read.
    CaughtUp(i32),
    /// Nothing came in time.
    Idle,
    /// Kafka cannot be reached. The reader goes on by itself as soon as it can, without saying so.
    OutOfReach(RDKafkaErrorCode),
}

/// A member of a consumer group. Its calls block, so it belongs on a thread of its own.
pub struct GroupReader {
    consumer: BaseConsumer<Rebalances>,
    /// How many partitions each topic has: that never changes.
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

    /// Waits for the next thing to tell, `timeout` at most.
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

    /// Begins to read the assigned partitions, each from its bookmark.
    pub fn start(&self, bookmarks: &Bookmarks) -> Result<(), LogError> {
        for (topic, _) in bookmarks.keys() {
            self.count_partitions(topic)?;
        }
        let partitions = partitions(bookmarks)?;
        self.consumer.incremental_assign(&partitions)?;
        // One that was paused when it was taken away would stay so.
        Ok(self.consumer.resume(&partitions)?)
    }

    /// Reads a partition no further, until [`resume`](Self::resume).
    pub fn pause(&self, topic: &str, partition: i32) -> Result<(), LogError> {
        Ok(self.consumer.pause(&one(topic, partition))?)
    }

    /// Goes on where [`pause`](Self::pause) stopped.
    pub fn resume(&self, topic: &str, partition: i32) -> Result<(), LogError> {
        Ok(self.consumer.resume(&one(topic, partition))?)
    }

    /// Whether Kafka answers, asked at most this long.
    pub fn is_kafka_there(&self, timeout: Duration) -> bool {
        self.consumer.fetch_metadata(None, timeout).is_ok()
    }

    /// How far the committed events of a partition go: the offset after the last one, markers included. As of a
    /// second ago, and `None` while it is not known.
    pub fn end(&self, topic: &str, partition: i32) -> Option<i64> {
        let ends = lock(&self.consumer.context().ends);
        ends.get(&(topic.to_owned(), partition)).copied()
    }

    /// Tells the group how far this member is, for those who watch it from outside. It is only a hint: nobody starts
    /// from it.
    pub fn hint(&self, bookmarks: &Bookmarks) -> Result<(), LogError> {
        Ok(self.consumer.commit(&partitions(bookmarks)?, CommitMode::Async)?)
    }

    /// Reads a record of a partition that was started, which may come from elsewhere, as an event of that partition.
    pub fn read(&self, record: &RawRecord) -> Result<Recorded, InvalidRecord> {
        let recorded = record.read()?;
        if self.is_at_home(&recorded) { Ok(recorded) } else { Err(InvalidRecord::Partition) }
    }

    fn count_partitions(&self, topic: &str) -> Result<(), LogError> {
        let mut counts = lock(&self.counts);
        if !counts.contains_key(topic) {
            let metadata = self.consumer.fetch_metadata(Some(topic), CALL)?;
            let count = metadata.topics().iter().map(|known| known.partitions().len()).max().unwrap_or(0);
            counts.insert(topic.to_owned(), i32::try_from(count).unwrap_or(i32::MAX));
        }
        Ok(())
    }

    /// Whether an event is in the partition that its key leads to; elsewhere it would stand in no order to its
    /// aggregate's others.
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

/// Notes what the group decides. An assignment waits for the bookmarks; a revocation takes effect at once.
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
