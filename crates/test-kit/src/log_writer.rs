use std::time::Duration;

use aggregate::{AggregateId, Metadata, Version};
use event_log::{
    Batch, ClientSettings, Envelope, KafkaPartitionLog, NewRecord, PartitionLog, PartitionLogSettings,
    Topics, now, partition_of,
};
use uuid::Uuid;

use crate::TestEnvironment;

/// The number of events per transaction.
const GROUP: usize = 1_000;

/// An event to be written repeatedly: its full name (`foldline.orders.OrderPlaced`) and its payload.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The full name of its type.
    pub event_type: String,
    /// The bytes.
    pub payload: Vec<u8>,
}

/// Quickly fills one partition of a context's events as its owner would, for benchmarks with a long log. It goes
/// through its share of the aggregates in turn; each starts with the first sample, and all its later events are the
/// second.
pub struct LogWriter {
    log: KafkaPartitionLog,
    source: String,
    epoch: u64,
    aggregates: Vec<AggregateId>,
    written: usize,
    /// The offset after the last event written, so that a claim reads none of them again.
    next: i64,
}

impl LogWriter {
    /// One writer per partition of a context's events, with `aggregates` aggregates in total.
    pub fn all(
        environment: &TestEnvironment,
        context: &str,
        partitions: i32,
        aggregates: usize,
    ) -> Vec<Self> {
        (0..partitions)
            .map(|number| Self::new(environment, context, number, partitions, aggregates))
            .collect()
    }

    fn new(
        environment: &TestEnvironment,
        context: &str,
        number: i32,
        partitions: i32,
        aggregates: usize,
    ) -> Self {
        let settings = PartitionLogSettings {
            client: ClientSettings { brokers: environment.servers.brokers.clone() },
            topics: Topics::new(&environment.topic_prefix, context),
            address: "127.0.0.1:1".to_owned(),
            commit_timeout: Duration::from_secs(30),
        };
        let share = aggregates / usize::try_from(partitions).expect("a count");
        let ids = std::iter::repeat_with(|| AggregateId::from(Uuid::now_v7()));
        Self {
            log: KafkaPartitionLog::new(settings, number),
            source: format!("/{context}"),
            epoch: 0,
            aggregates: ids.filter(|id| partition_of(id, partitions) == number).take(share).collect(),
            written: 0,
            next: 0,
        }
    }

    /// Claims the partition, writes until it has `length` events, and releases it. It blocks.
    pub fn write_up_to(&mut self, length: usize, samples: &[Sample; 2]) {
        self.epoch = self.log.claim(self.next, &mut |_| Ok(())).expect("the partition is free").epoch;
        while self.written < length {
            let group: Vec<_> = (self.written..length.min(self.written + GROUP))
                .map(|number| self.record(number, samples))
                .collect();
            let offsets = self.log.append(&Batch::events(&group)).expect("the commit succeeds");
            self.next = offsets.last().expect("a group has events") + 1;
            self.written += group.len();
        }
        self.log.release();
    }

    fn record(&self, number: usize, [first, later]: &[Sample; 2]) -> NewRecord {
        let (aggregate, round) =
            (&self.aggregates[number % self.aggregates.len()], number / self.aggregates.len());
        let command_id = Uuid::now_v7();
        let Sample { event_type, payload } = if round == 0 { first } else { later };
        let envelope = Envelope {
            aggregate_id: aggregate.clone(),
            event_id: Envelope::event_id_of(command_id, 0),
            event_type: event_type.clone(),
            source: self.source.clone(),
            time: now(),
            version: Version(round as u64 + 1),
            request_hash: 0,
            owner_epoch: self.epoch,
            partition_sequence: number as u64 + 1,
            metadata: Metadata {
                command_id,
                correlation_id: "bench".to_owned(),
                causation_id: "bench".to_owned(),
                actor: "anonymous".to_owned(),
                traceparent: String::new(),
            },
        };
        NewRecord { envelope, payload: payload.clone() }
    }
}

/// Fills all partitions in parallel, each with its share of the events. It blocks.
pub fn write_log(writers: &mut [LogWriter], events: usize, samples: &[Sample; 2]) {
    let share = events / writers.len();
    std::thread::scope(|scope| {
        for writer in writers {
            scope.spawn(|| writer.write_up_to(share, samples));
        }
    });
}
