//! What these tests share: the topics of a context in an area of their own, its owners, and records to write.

use std::{fmt::Debug, sync::LazyLock, time::Duration};

use aggregate::{Metadata, Version};
use event_log::{
    ClientSettings, Envelope, KafkaPartitionLog, LogError, NewRecord, PartitionLog, PartitionLogSettings,
    Recorded, Topics, TopicsError, apply_topics, now,
};
use test_kit::{Area, LogView, SeenEvent};
use tokio::runtime::Runtime;
use uuid::Uuid;

/// Runs what is asynchronous; the tests themselves block, as the log does.
pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// The topics of a context that no other test uses.
pub(crate) struct Log {
    pub(crate) area: Area,
    pub(crate) client: ClientSettings,
    pub(crate) topics: Topics,
}

impl Log {
    /// The names of topics that do not exist yet.
    pub(crate) fn without_topics() -> Self {
        let area = Area::empty();
        Self {
            client: ClientSettings { brokers: area.servers.brokers.clone() },
            topics: Topics::new(&area.topic_prefix, "tests"),
            area,
        }
    }

    /// Topics with so many partitions.
    pub(crate) fn with_partitions(partitions: i32) -> Self {
        let log = Self::without_topics();
        log.apply(partitions).unwrap();
        log
    }

    /// Creates the topics.
    pub(crate) fn apply(&self, partitions: i32) -> Result<(), TopicsError> {
        RUNTIME.block_on(apply_topics(&self.client, &self.topics, partitions, 1))
    }

    /// One who would write a partition, at this address.
    pub(crate) fn writer(&self, partition: i32, address: &str) -> KafkaPartitionLog {
        let settings = PartitionLogSettings {
            client: self.client.clone(),
            topics: self.topics.clone(),
            address: address.to_owned(),
            commit_timeout: Duration::from_secs(5),
        };
        KafkaPartitionLog::new(settings, partition)
    }

    /// What a foreign consumer sees of the events.
    pub(crate) fn seen(&self) -> Vec<SeenEvent> {
        LogView::of(&self.client.brokers, &self.topics.events())
    }
}

/// An owner of a partition who counts on as the engine does.
pub(crate) struct Owner {
    pub(crate) log: KafkaPartitionLog,
    pub(crate) epoch: u64,
    pub(crate) sequence: u64,
    /// What the claim handed over.
    pub(crate) replayed: Vec<Recorded>,
}

impl Owner {
    /// Claims a partition from its very beginning.
    pub(crate) fn of(log: &Log, partition: i32) -> Self {
        Self::from_offset(log, partition, 0).unwrap()
    }

    /// Claims a partition from an offset.
    pub(crate) fn from_offset(log: &Log, partition: i32, next: i64) -> Result<Self, LogError> {
        let mut writer = log.writer(partition, "here:1");
        let mut replayed = Vec::new();
        let epoch = writer.claim(next, &mut |recorded| {
            replayed.push(recorded);
            Ok(())
        })?;
        Ok(Self {
            log: writer,
            epoch,
            sequence: replayed.last().map_or(0, |last: &Recorded| last.envelope.partition_sequence),
            replayed,
        })
    }

    /// Appends an event for each of these aggregates, as one group.
    pub(crate) fn append(&mut self, aggregates: &[&str]) -> Result<Vec<i64>, LogError> {
        let group: Vec<_> = (self.sequence + 1..)
            .zip(aggregates)
            .map(|(sequence, aggregate)| record(aggregate, self.epoch, sequence))
            .collect();
        let offsets = self.log.append(&group)?;
        self.sequence += group.len() as u64;
        Ok(offsets)
    }
}

/// An event with every part of its envelope set.
pub(crate) fn record(aggregate: &str, owner_epoch: u64, partition_sequence: u64) -> NewRecord {
    let command_id = Uuid::now_v7();
    let envelope = Envelope {
        aggregate_id: aggregate.try_into().unwrap(),
        event_id: Envelope::event_id_of(command_id, 0),
        event_type: "foldline.tests.Counted".to_owned(),
        source: "/tests".to_owned(),
        time: now(),
        version: Version(partition_sequence),
        request_hash: u64::MAX,
        owner_epoch,
        partition_sequence,
        metadata: Metadata {
            command_id,
            correlation_id: "conversation".to_owned(),
            causation_id: "request".to_owned(),
            actor: "anonymous".to_owned(),
            traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
        },
    };
    NewRecord { envelope, payload: vec![0, 0, 0, 0, 1, 42] }
}

/// Where events stand.
pub(crate) fn offsets(recorded: &[Recorded]) -> Vec<i64> {
    recorded.iter().map(|recorded| recorded.position.offset).collect()
}

/// The numbers of events in their partition.
pub(crate) fn sequences(recorded: &[Recorded]) -> Vec<u64> {
    recorded.iter().map(|recorded| recorded.envelope.partition_sequence).collect()
}

/// The error of what must fail.
pub(crate) fn error<T, E: Debug>(outcome: Result<T, E>) -> E {
    outcome.map(drop).expect_err("it must fail")
}
