use std::time::Duration;

use aggregate::{AggregateId, Metadata, Version};
use event_log::{
    Batch, ClientSettings, Envelope, KafkaShardLog, NewRecord, Offsets, ShardLog, ShardLogSettings, Shards,
    Topics, now, partition_of,
};
use uuid::Uuid;

use crate::TestEnvironment;

/// The number of events of each partition per transaction.
const GROUP: usize = 1_000;

/// An event to be written repeatedly: its full name (`foldline.orders.OrderPlaced`) and its payload.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The full name of its type.
    pub event_type: String,
    /// The bytes.
    pub payload: Vec<u8>,
}

/// Quickly fills one shard of a context's events as its owner would, for benchmarks with a long log. Each partition goes
/// through its share of the aggregates in turn; each aggregate starts with the first sample, and all its later events
/// are the second.
pub struct LogWriter {
    log: KafkaShardLog,
    source: String,
    epoch: u64,
    partitions: Vec<Partition>,
    /// The offset of each partition after the last event written, so that a claim reads none of them again.
    next: Offsets,
}

struct Partition {
    number: i32,
    aggregates: Vec<AggregateId>,
    written: usize,
}

impl LogWriter {
    /// One writer per shard of a context's events, with `aggregates` aggregates in total.
    pub fn all(
        environment: &TestEnvironment,
        context: &str,
        partitions: i32,
        shards: i32,
        aggregates: usize,
    ) -> Vec<Self> {
        let shards = Shards::new(partitions, shards).expect("a shard has a partition");
        (0..shards.count()).map(|shard| Self::new(environment, context, shard, shards, aggregates)).collect()
    }

    fn new(
        environment: &TestEnvironment,
        context: &str,
        shard: i32,
        shards: Shards,
        aggregates: usize,
    ) -> Self {
        let settings = ShardLogSettings {
            client: ClientSettings { brokers: environment.servers.brokers.clone() },
            topics: Topics::new(&environment.topic_prefix, context),
            shards,
            address: "127.0.0.1:1".to_owned(),
            commit_timeout: Duration::from_secs(30),
        };
        let count = shards.partitions();
        let each = aggregates / usize::try_from(count).expect("a count");
        let partition = |number| {
            let ids = std::iter::repeat_with(|| AggregateId::from(Uuid::now_v7()));
            let aggregates = ids.filter(|id| partition_of(id, count) == number).take(each).collect();
            Partition { number, aggregates, written: 0 }
        };
        Self {
            log: KafkaShardLog::new(settings, shard),
            source: format!("/{context}"),
            epoch: 0,
            partitions: shards.partitions_of(shard).map(partition).collect(),
            next: Offsets::new(),
        }
    }

    /// Claims the shard, writes until each of its partitions has `length` events, and releases it. It blocks.
    pub fn write_up_to(&mut self, length: usize, samples: &[Sample; 2]) {
        self.epoch = self.log.claim(&self.next, &mut |_| Ok(())).expect("the shard is free").epoch;
        while self.partitions.iter().any(|partition| partition.written < length) {
            let group = self.next_group(length, samples);
            let offsets = self.log.append(&Batch::events(&group)).expect("the commit succeeds");
            let ends = group.iter().zip(offsets).map(|(record, offset)| (record.partition, offset + 1));
            self.next.extend(ends);
        }
        self.log.release();
    }

    /// The next events of every partition that has fewer than `length`.
    fn next_group(&mut self, length: usize, samples: &[Sample; 2]) -> Vec<NewRecord> {
        let Self { source, epoch, partitions, .. } = self;
        let mut group = Vec::new();
        for partition in partitions {
            let end = length.min(partition.written + GROUP);
            group.extend(
                (partition.written..end).map(|number| partition.record(number, source, *epoch, samples)),
            );
            partition.written = end;
        }
        group
    }
}

impl Partition {
    fn record(
        &self,
        number: usize,
        source: &str,
        owner_epoch: u64,
        [first, later]: &[Sample; 2],
    ) -> NewRecord {
        let (aggregate, round) =
            (&self.aggregates[number % self.aggregates.len()], number / self.aggregates.len());
        let command_id = Uuid::now_v7();
        let Sample { event_type, payload } = if round == 0 { first } else { later };
        let envelope = Envelope {
            aggregate_id: aggregate.clone(),
            event_id: Envelope::event_id_of(command_id, 0),
            event_type: event_type.clone(),
            source: source.to_owned(),
            time: now(),
            version: Version(round as u64 + 1),
            request_hash: 0,
            owner_epoch,
            partition_sequence: number as u64 + 1,
            metadata: Metadata {
                command_id,
                correlation_id: "bench".into(),
                causation_id: "bench".into(),
                actor: "anonymous".into(),
                traceparent: "".into(),
            },
        };
        NewRecord { partition: self.number, envelope, payload: payload.clone() }
    }
}

/// Fills all shards in parallel, each partition with its share of the events. It blocks.
pub fn write_log(writers: &mut [LogWriter], events: usize, samples: &[Sample; 2]) {
    let share = events / writers.iter().map(|writer| writer.partitions.len()).sum::<usize>();
    std::thread::scope(|scope| {
        for writer in writers {
            scope.spawn(move || writer.write_up_to(share, samples));
        }
    });
}
