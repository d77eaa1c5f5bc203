//! Shared by these tests: an environment with the topics of a context, owners, and records to write.

use std::{fmt::Debug, sync::LazyLock, time::Duration};

use aggregate::{Metadata, Version};
use event_log::{
    Batch, Broker, Claimed, ClientSettings, Envelope, FencedLog, KafkaBroker, KafkaPartitionLog, LogError,
    NewOutcome, NewRecord, PartitionLog, PartitionLogSettings, Recorded, Topics, TopicsError, apply_topics,
    now,
};
use test_kit::{LogView, SeenEvent, TestEnvironment};
use tokio::runtime::Runtime;
use uuid::Uuid;

/// Runs async code; the tests themselves block, as the log does.
pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// The topics of a context that no other test uses.
pub(crate) struct Log {
    pub(crate) environment: TestEnvironment,
    pub(crate) client: ClientSettings,
    pub(crate) topics: Topics,
}

impl Log {
    /// The names of topics that do not exist yet.
    pub(crate) fn without_topics() -> Self {
        let environment = TestEnvironment::empty();
        Self {
            client: ClientSettings { brokers: environment.servers.brokers.clone() },
            topics: Topics::new(&environment.topic_prefix, "tests"),
            environment,
        }
    }

    /// Topics with this many partitions.
    pub(crate) fn with_partitions(partitions: i32) -> Self {
        let log = Self::without_topics();
        log.apply(partitions).unwrap();
        log
    }

    /// Creates the topics.
    pub(crate) fn apply(&self, partitions: i32) -> Result<(), TopicsError> {
        RUNTIME.block_on(apply_topics(&self.client, &self.topics, partitions, 1))
    }

    /// The log of a partition for an instance at this address.
    pub(crate) fn writer(&self, partition: i32, address: &str) -> KafkaPartitionLog {
        let settings = PartitionLogSettings {
            client: self.client.clone(),
            topics: self.topics.clone(),
            address: address.to_owned(),
            commit_timeout: Duration::from_secs(5),
        };
        KafkaPartitionLog::new(settings, partition)
    }

    /// The events, as an independent consumer sees them.
    pub(crate) fn seen(&self) -> Vec<SeenEvent> {
        LogView::of(&self.client.brokers, &self.topics.events())
    }
}

/// An owner of a partition that assigns sequence numbers as the engine does.
pub(crate) struct Owner<B: Broker = KafkaBroker> {
    pub(crate) log: FencedLog<B>,
    pub(crate) epoch: u64,
    pub(crate) sequence: u64,
    pub(crate) next_command: i64,
    /// The events that the claim read.
    pub(crate) replayed: Vec<Recorded>,
}

impl Owner {
    /// Claims a partition from its first offset.
    pub(crate) fn of(log: &Log, partition: i32) -> Self {
        Self::from_offset(log, partition, 0).unwrap()
    }

    /// Claims a partition from an offset.
    pub(crate) fn from_offset(log: &Log, partition: i32, next: i64) -> Result<Self, LogError> {
        Self::claim(log.writer(partition, "here:1"), next)
    }
}

impl<B: Broker> Owner<B> {
    /// Claims the partition behind a broker from its first offset, with this address.
    pub(crate) fn over(broker: B, address: &str) -> Result<Self, LogError> {
        Self::claim(FencedLog::over(broker, address.to_owned(), Duration::from_secs(5)), 0)
    }

    /// Claims a partition from an offset.
    pub(crate) fn claim(mut log: FencedLog<B>, next: i64) -> Result<Self, LogError> {
        let mut replayed = Vec::new();
        let Claimed { epoch, next_command } = log.claim(next, &mut |recorded| {
            replayed.push(recorded);
            Ok(())
        })?;
        let sequence = replayed.last().map_or(0, |last: &Recorded| last.envelope.partition_sequence);
        Ok(Self { log, epoch, sequence, next_command, replayed })
    }

    /// Appends an event for each of these aggregates, as one group.
    pub(crate) fn append(&mut self, aggregates: &[&str]) -> Result<Vec<i64>, LogError> {
        let group = self.group(aggregates);
        let offsets = self.log.append(&Batch::events(&group))?;
        self.sequence += group.len() as u64;
        Ok(offsets)
    }

    /// Decides the commands up to `next_command`, with an event and an outcome that contains the event's offset.
    pub(crate) fn decide_commands(
        &mut self,
        aggregate: &str,
        next_command: i64,
    ) -> Result<Vec<i64>, LogError> {
        let group = self.group(&[aggregate]);
        let outcomes = |offsets: &[i64]| vec![outcome(aggregate, offsets[0])];
        let batch = Batch { events: &group, outcomes: &outcomes, next_command: Some(next_command) };
        let offsets = self.log.append(&batch)?;
        self.sequence += 1;
        Ok(offsets)
    }

    fn group(&self, aggregates: &[&str]) -> Vec<NewRecord> {
        let numbered = (self.sequence + 1..).zip(aggregates);
        numbered.map(|(sequence, aggregate)| record(aggregate, self.epoch, sequence)).collect()
    }
}

/// An outcome that contains an offset.
pub(crate) fn outcome(key: &str, offset: i64) -> NewOutcome {
    NewOutcome { key: key.to_owned(), document: format!("{{\"offset\":{offset}}}").into_bytes() }
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

/// The offsets of these events.
pub(crate) fn offsets(recorded: &[Recorded]) -> Vec<i64> {
    recorded.iter().map(|recorded| recorded.position.offset).collect()
}

/// The sequence numbers of these events.
pub(crate) fn sequences(recorded: &[Recorded]) -> Vec<u64> {
    recorded.iter().map(|recorded| recorded.envelope.partition_sequence).collect()
}

/// The error of an operation that must fail.
pub(crate) fn error<T, E: Debug>(outcome: Result<T, E>) -> E {
    outcome.map(drop).expect_err("the operation must fail")
}
