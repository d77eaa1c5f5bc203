//! Shared by these tests: an environment with the topics of a context, owners, and records to write.

use std::{collections::BTreeMap, fmt::Debug, sync::LazyLock, time::Duration};

use aggregate::{Metadata, Version};
use event_log::{
    Batch, Broker, Claimed, ClientSettings, Envelope, FencedLog, KafkaBroker, KafkaShardLog, LogError,
    NewOutcome, NewRecord, Offsets, Recorded, ShardLog, ShardLogSettings, Shards, Topics, TopicsError,
    apply_topics, now,
};
use test_kit::{ConsumedRecord, LogView, TestEnvironment};
use tokio::runtime::Runtime;
use uuid::Uuid;

/// Runs async code; the tests themselves block, as the log does.
pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// The topics of a context that no other test uses.
pub(crate) struct Log {
    pub(crate) environment: TestEnvironment,
    pub(crate) client: ClientSettings,
    pub(crate) topics: Topics,
    pub(crate) shards: Shards,
}

impl Log {
    /// The names of topics that do not exist yet.
    pub(crate) fn without_topics() -> Self {
        let environment = TestEnvironment::empty();
        Self {
            client: ClientSettings { brokers: environment.servers.brokers.clone() },
            topics: Topics::new(&environment.topic_prefix, "tests"),
            shards: Shards::new(1, 1).unwrap(),
            environment,
        }
    }

    /// Topics with this many partitions, each of which is a shard of its own.
    pub(crate) fn with_partitions(partitions: i32) -> Self {
        Self::with_shards(partitions, partitions)
    }

    /// Topics with this many partitions and shards.
    pub(crate) fn with_shards(partitions: i32, shards: i32) -> Self {
        let shards = Shards::new(partitions, shards).unwrap();
        let log = Self { shards, ..Self::without_topics() };
        log.apply(log.shards).unwrap();
        log
    }

    /// Creates the topics.
    pub(crate) fn apply(&self, shards: Shards) -> Result<(), TopicsError> {
        RUNTIME.block_on(apply_topics(&self.client, &self.topics, shards, 1))
    }

    /// The log of a shard for an instance at this address.
    pub(crate) fn writer(&self, shard: i32, address: &str) -> KafkaShardLog {
        let settings = ShardLogSettings {
            client: self.client.clone(),
            topics: self.topics.clone(),
            shards: self.shards,
            address: address.to_owned(),
            commit_timeout: Duration::from_secs(5),
        };
        KafkaShardLog::new(settings, shard)
    }

    /// The events, as an independent consumer sees them.
    pub(crate) fn seen(&self) -> Vec<ConsumedRecord> {
        LogView::of(&self.client.brokers, &self.topics.events())
    }
}

/// The location of an event: its partition and offset.
pub(crate) type Location = (i32, i64);

/// An owner of a shard that assigns sequence numbers as the engine does.
pub(crate) struct Owner<B: Broker = KafkaBroker> {
    pub(crate) log: FencedLog<B>,
    partitions: Vec<i32>,
    pub(crate) epoch: u64,
    /// The sequence number of the last event of each partition.
    pub(crate) sequences: BTreeMap<i32, u64>,
    pub(crate) next_commands: Offsets,
    /// The events that the claim read.
    pub(crate) replayed: Vec<Recorded>,
}

impl Owner {
    /// Claims a shard from its beginning.
    pub(crate) fn of(log: &Log, shard: i32) -> Self {
        Self::from_offsets(log, shard, &Offsets::new()).unwrap()
    }

    /// Claims a shard from an offset of each partition.
    pub(crate) fn from_offsets(log: &Log, shard: i32, next: &Offsets) -> Result<Self, LogError> {
        let partitions = log.shards.partitions_of(shard).collect();
        Self::claim(log.writer(shard, "here:1"), partitions, next)
    }
}

impl<B: Broker> Owner<B> {
    /// Claims the shard behind a broker from its beginning, with this address.
    pub(crate) fn over(broker: B, address: &str) -> Result<Self, LogError> {
        Self::over_from(broker, address, &Offsets::new())
    }

    /// Claims the shard behind a broker from an offset of each partition.
    pub(crate) fn over_from(broker: B, address: &str, next: &Offsets) -> Result<Self, LogError> {
        let partitions = broker.partitions();
        Self::claim(FencedLog::over(broker, address.to_owned(), Duration::from_secs(5)), partitions, next)
    }

    fn claim(mut log: FencedLog<B>, partitions: Vec<i32>, next: &Offsets) -> Result<Self, LogError> {
        let mut replayed = Vec::new();
        let Claimed { epoch, next_commands } = log.claim(next, &mut |recorded| {
            replayed.push(recorded);
            Ok(())
        })?;
        let sequence = |last: &Recorded| (last.position.partition, last.envelope.partition_sequence);
        let sequences = replayed.iter().map(sequence).collect();
        Ok(Self { log, partitions, epoch, sequences, next_commands, replayed })
    }

    /// Appends an event for each of these aggregates, as one group, and returns their offsets.
    pub(crate) fn append(&mut self, aggregates: &[&str]) -> Result<Vec<i64>, LogError> {
        self.write(aggregates, &[], &Offsets::new())
    }

    /// Appends an event for each of these aggregates, as one group, and returns their locations.
    pub(crate) fn append_and_locate(&mut self, aggregates: &[&str]) -> Result<Vec<Location>, LogError> {
        let offsets = self.append(aggregates)?;
        Ok(aggregates.iter().map(|aggregate| self.partition_of(aggregate)).zip(offsets).collect())
    }

    /// Decides the commands of a partition up to `next_command`, with an event and an outcome that contains the event's
    /// offset.
    pub(crate) fn decide_commands(
        &mut self,
        aggregate: &str,
        next_command: i64,
    ) -> Result<Vec<i64>, LogError> {
        let next_commands = Offsets::from([(self.partition_of(aggregate), next_command)]);
        self.write(&[aggregate], &[aggregate], &next_commands)
    }

    /// The partition of an aggregate in these tests. Names that begin with neighbouring letters are in different
    /// partitions.
    pub(crate) fn partition_of(&self, aggregate: &str) -> i32 {
        self.partitions[usize::from(aggregate.as_bytes()[0]) % self.partitions.len()]
    }

    fn write(
        &mut self,
        aggregates: &[&str],
        decided: &[&str],
        next_commands: &Offsets,
    ) -> Result<Vec<i64>, LogError> {
        let mut sequences = self.sequences.clone();
        let mut group = Vec::new();
        for aggregate in aggregates {
            let partition = self.partition_of(aggregate);
            let sequence = sequences.entry(partition).or_default();
            *sequence += 1;
            group.push(record(partition, aggregate, self.epoch, *sequence));
        }
        let decided: Vec<_> = decided.iter().map(|key| (self.partition_of(key), *key)).collect();
        let outcomes = |offsets: &[i64]| {
            let outcome =
                |((partition, key), offset): (&(i32, &str), &i64)| outcome(*partition, key, *offset);
            decided.iter().zip(offsets).map(outcome).collect()
        };
        let offsets = self.log.append(&Batch { events: &group, outcomes: &outcomes, next_commands })?;
        self.sequences = sequences;
        Ok(offsets)
    }
}

/// An outcome that contains an offset.
pub(crate) fn outcome(partition: i32, key: &str, offset: i64) -> NewOutcome {
    NewOutcome { partition, key: key.to_owned(), document: format!("{{\"offset\":{offset}}}").into_bytes() }
}

/// An event with every part of its envelope set.
pub(crate) fn record(
    partition: i32,
    aggregate: &str,
    owner_epoch: u64,
    partition_sequence: u64,
) -> NewRecord {
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
            correlation_id: "conversation".into(),
            causation_id: "request".into(),
            actor: "anonymous".into(),
            traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into(),
        },
    };
    NewRecord { partition, envelope, payload: vec![0, 0, 0, 0, 1, 42] }
}

/// The offsets of these events.
pub(crate) fn offsets(recorded: &[Recorded]) -> Vec<i64> {
    recorded.iter().map(|recorded| recorded.position.offset).collect()
}

/// The locations of these events.
pub(crate) fn locations(recorded: &[Recorded]) -> Vec<Location> {
    recorded.iter().map(|recorded| (recorded.position.partition, recorded.position.offset)).collect()
}

/// The sequence numbers of these events.
pub(crate) fn sequences(recorded: &[Recorded]) -> Vec<u64> {
    recorded.iter().map(|recorded| recorded.envelope.partition_sequence).collect()
}

/// The error of an operation that must fail.
pub(crate) fn error<T, E: Debug>(outcome: Result<T, E>) -> E {
    outcome.map(drop).expect_err("the operation must fail")
}
