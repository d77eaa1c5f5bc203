use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rdkafka::{
    ClientContext, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::{KafkaError, RDKafkaErrorCode},
    statistics::Statistics,
    types::RDKafkaRespErr,
};
use tracing::{info, warn};

use super::{Reading, partition_end::PartitionEnd};
use crate::{Position, kafka::context};

/// Records what the group decides. An assignment waits for the offsets, a revocation for the work in flight.
#[derive(Default)]
pub(super) struct Rebalances {
    changes: Mutex<VecDeque<Reading>>,
    /// Revoked, but not given back yet.
    revoked: Mutex<Option<TopicPartitionList>>,
    /// Whether the group waits for the last assignment to be started.
    awaits_start: AtomicBool,
    /// Whether there is nobody left to start partitions or to give them back.
    is_leaving: AtomicBool,
    /// The partitions that are read, and where they end, once that is known.
    ends: Mutex<BTreeMap<(String, i32), Option<PartitionEnd>>>,
}

pub(super) fn lock<T>(notes: &Mutex<T>) -> MutexGuard<'_, T> {
    notes.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Rebalances {
    pub(super) fn next_change(&self) -> Option<Reading> {
        lock(&self.changes).pop_front()
    }

    /// These partitions are read from now on.
    pub(super) fn starts<'p>(&self, partitions: impl Iterator<Item = &'p (String, i32)>) {
        self.awaits_start.store(false, Ordering::Relaxed);
        lock(&self.ends).extend(partitions.map(|partition| (partition.clone(), None)));
    }

    /// The last stable offset of a partition.
    pub(super) fn end(&self, topic: &str, partition: i32) -> Option<i64> {
        lock(&self.ends).get(&(topic.to_owned(), partition))?.map(|end| end.stable)
    }

    /// Where an open transaction has hidden events for the longest time, and for how long.
    pub(super) fn hidden(&self) -> Option<(Position, Duration)> {
        let ends = lock(&self.ends);
        let hidden = ends.iter().filter_map(|((topic, partition), end)| {
            let end = (*end)?;
            let position = Position { topic: topic.clone(), partition: *partition, offset: end.stable };
            Some((position, end.hidden_since?.elapsed()))
        });
        hidden.max_by_key(|(_, since)| *since)
    }

    /// Gives revoked partitions back, if there are any.
    pub(super) fn give_back(&self, consumer: &BaseConsumer<Self>) -> Result<(), KafkaError> {
        let Some(list) = lock(&self.revoked).take() else { return Ok(()) };
        lock(&self.ends).retain(|(topic, partition), _| list.find_partition(topic, *partition).is_none());
        consumer.incremental_unassign(&list)
    }

    /// Answers the group without the caller, now and from now on: the client does not leave while an answer is missing.
    pub(super) fn leave(&self, consumer: &BaseConsumer<Self>) -> Result<(), KafkaError> {
        self.is_leaving.store(true, Ordering::Relaxed);
        self.decline(consumer)?;
        self.give_back(consumer)
    }

    /// Starts nothing of what was assigned. The group revokes it next.
    fn decline(&self, consumer: &BaseConsumer<Self>) -> Result<(), KafkaError> {
        if self.awaits_start.swap(false, Ordering::Relaxed) {
            consumer.incremental_assign(&TopicPartitionList::new())?;
        }
        Ok(())
    }
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
            for part in topic.partitions.values().filter(|part| part.ls_offset >= 0) {
                if let Some(end) = ends.get_mut(&(name.clone(), part.partition)) {
                    *end = Some(PartitionEnd::after(*end, part));
                }
            }
        }
    }
}

impl ConsumerContext for Rebalances {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, event: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let named = list.elements().iter().map(|part| (part.topic().to_owned(), part.partition())).collect();
        match event {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                info!(partitions = ?named, "partitions assigned");
                self.awaits_start.store(true, Ordering::Relaxed);
                if self.is_leaving.load(Ordering::Relaxed)
                    && let Err(error) = self.decline(consumer)
                {
                    warn!(%error, "assigned partitions could not be declined");
                }
                lock(&self.changes).push_back(Reading::Assigned(named));
            }
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS => {
                let is_lost = consumer.assignment_lost();
                info!(partitions = ?named, is_lost, "partitions revoked");
                *lock(&self.revoked) = Some(list.clone());
                // The group waits for nobody that it has excluded.
                if (is_lost || self.is_leaving.load(Ordering::Relaxed))
                    && let Err(error) = self.give_back(consumer)
                {
                    warn!(%error, "revoked partitions could not be given back");
                }
                lock(&self.changes).push_back(Reading::Revoked(named));
            }
            other => warn!(code = %RDKafkaErrorCode::from(other), "the consumer group could not be balanced"),
        }
    }
}
