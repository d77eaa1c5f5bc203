//! The consumer group that suggests which instance should own which shard. It subscribes to the owners topic, which has a
//! partition for each shard. It reads no records, and its assignment is only a hint: the log decides who owns a shard.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rdkafka::{
    ClientContext, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::{KafkaError, RDKafkaErrorCode},
    groups::GroupInfo,
    topic_partition_list::TopicPartitionListElem,
    types::RDKafkaRespErr,
};
use tracing::{debug, info, warn};
use uuid::Uuid;

use super::{client::ClientSettings, context};
use crate::{LogError, Topics};

/// How long a member may be silent before its shards are assigned to others, in milliseconds.
const SESSION_MS: &str = "6000";
/// How often a member sends a heartbeat, in milliseconds. It learns of a rebalance with the answer, and a shard
/// moves only once every member has learned of it.
const HEARTBEAT_MS: &str = "500";
/// How long the polling thread may take between two polls, in milliseconds. A rebalance waits this long for a slow
/// member.
const POLL_MS: &str = "10000";
/// How long a request to the group may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// A decision of the group about this member. The numbers are shards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupChange {
    /// These shards are assigned to this member.
    Assigned(Vec<i32>),
    /// These shards are to be handed over to another member.
    Revoked(Vec<i32>),
    /// The group has excluded this member, and these shards may already belong to others.
    Lost(Vec<i32>),
}

/// A member of the group of all instances that decide a context's commands. Its calls block and [`next`](Self::next)
/// must be called continuously, so it belongs on a thread of its own.
pub struct Membership {
    consumer: BaseConsumer<Changes>,
    group: String,
    name: String,
}

impl Membership {
    /// Joins the group. A member with an `instance_id` is static (KIP-345): if it comes back within the session
    /// timeout, it gets its shards again without a rebalance.
    pub fn join(
        client: &ClientSettings,
        topics: &Topics,
        instance_id: Option<&str>,
    ) -> Result<Self, LogError> {
        let name = instance_id.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
        let mut config = client.base();
        config
            .set("client.id", &name)
            .set("group.id", topics.deciders())
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", SESSION_MS)
            .set("heartbeat.interval.ms", HEARTBEAT_MS)
            .set("max.poll.interval.ms", POLL_MS)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false");
        if let Some(id) = instance_id {
            config.set("group.instance.id", id);
        }
        let consumer: BaseConsumer<Changes> = config.create_with_context(Changes::default())?;
        consumer.subscribe(&[&topics.owners()])?;
        Ok(Self { consumer, group: topics.deciders(), name })
    }

    /// Waits up to `timeout` for the next decision of the group.
    ///
    /// Reconnects by itself after Kafka was unavailable. An error is final: another member has taken the instance id.
    pub fn next(&self, timeout: Duration) -> Result<Option<GroupChange>, LogError> {
        let changes = &self.consumer.context().0;
        if let Some(change) = lock(changes).pop_front() {
            return Ok(Some(change));
        }
        match self.consumer.poll(timeout) {
            Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => return Err(error.into()),
            Some(Err(error)) => debug!(%error, group = self.group, "the consumer group does not answer"),
            // Partitions are paused as soon as they are assigned. A record that slips through is ignored; it is read
            // elsewhere.
            Some(Ok(_)) | None => {}
        }
        Ok(lock(changes).pop_front())
    }

    /// How many other members the group has.
    pub fn others(&self) -> Result<usize, LogError> {
        let groups = self.consumer.fetch_group_list(Some(&self.group), CALL_TIMEOUT)?;
        let members = groups.groups().iter().flat_map(GroupInfo::members);
        Ok(members.filter(|member| member.client_id() != self.name).count())
    }

    /// Gives up all shards and leaves the group, so that they are reassigned at once. A static member stays in the
    /// group until its session ends.
    pub fn leave(self) {
        // Closing the consumer revokes first, then leaves.
        drop(self.consumer);
    }
}

/// Records what the group decides and acknowledges it at once, because the group waits for that.
#[derive(Default)]
struct Changes(Mutex<VecDeque<GroupChange>>);

fn lock(changes: &Mutex<VecDeque<GroupChange>>) -> MutexGuard<'_, VecDeque<GroupChange>> {
    changes.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Changes {
    fn note(&self, named: &TopicPartitionList, change: impl FnOnce(Vec<i32>) -> GroupChange) {
        let numbers: Vec<_> = named.elements().iter().map(TopicPartitionListElem::partition).collect();
        // A cooperative group reports every rebalance to every member, including those that change nothing.
        if !numbers.is_empty() {
            let change = change(numbers);
            info!(?change, "consumer group");
            lock(&self.0).push_back(change);
        }
    }
}

impl ClientContext for Changes {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        context::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        context::report(&error, reason);
    }
}

impl ConsumerContext for Changes {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        event: RDKafkaRespErr,
        named: &mut TopicPartitionList,
    ) {
        let taken = match event {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                self.note(named, GroupChange::Assigned);
                consumer.incremental_assign(named).and_then(|()| consumer.pause(named))
            }
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS => {
                let lost = consumer.assignment_lost();
                self.note(named, if lost { GroupChange::Lost } else { GroupChange::Revoked });
                consumer.incremental_unassign(named)
            }
            other => {
                let code = RDKafkaErrorCode::from(other);
                return warn!(%code, "the consumer group could not be balanced");
            }
        };
        if let Err(error) = taken {
            warn!(%error, "the consumer group's decision could not be carried out");
        }
    }
}
