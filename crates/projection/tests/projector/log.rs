//! Writes the events of accounts as their owner would.

use std::{mem, time::Duration};

use aggregate::{AggregateId, Message as _, Metadata, Version};
use event_log::{
    Batch, ClientSettings, Codec, Envelope, KafkaPartitionLog, NewRecord, PartitionLog, PartitionLogSettings,
    Registry, Topics, now, partition_of,
};
use test_kit::TestEnvironment;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use crate::{
    environment::PARTITIONS,
    events::{CONTEXT, Event, history, new_account, schemas},
};

/// The log of the accounts. It remembers what it wrote.
pub(crate) struct Log {
    pub(crate) written: Vec<(Envelope, Event)>,
    spoiled: usize,
    partitions: Vec<Partition>,
    codec: Codec,
}

/// A partition that belongs to this log.
struct Partition {
    /// None while it is written to, on another thread.
    log: Option<KafkaPartitionLog>,
    epoch: u64,
    sequence: u64,
    queued: Vec<NewRecord>,
}

impl Log {
    /// Takes over every partition.
    pub(crate) async fn of(environment: &TestEnvironment) -> Self {
        let topics = Topics::new(&environment.topic_prefix, CONTEXT);
        let registry = Registry::new(&environment.servers.registry_url).unwrap();
        let codec = Codec::register(registry, &[(topics.events(), &schemas())]).await.unwrap();
        let settings = PartitionLogSettings {
            client: ClientSettings { brokers: environment.servers.brokers.clone() },
            topics,
            address: "test".to_owned(),
            commit_timeout: Duration::from_secs(10),
        };
        let mut partitions = Vec::new();
        for number in 0..PARTITIONS {
            let settings = settings.clone();
            partitions.push(spawn_blocking(move || Partition::claim(settings, number)).await.unwrap());
        }
        Self { written: Vec::new(), spoiled: 0, partitions, codec }
    }

    /// How many events there are in all.
    pub(crate) fn events(&self) -> usize {
        self.written.len() + self.spoiled
    }

    /// Writes so many accounts, each with its own number of events.
    pub(crate) async fn append_accounts(&mut self, count: i64) {
        for number in 0..count {
            let id = new_account();
            for (version, event) in (1..).zip(history(number)) {
                self.queue(&id, version, event);
            }
        }
        self.append_queued().await;
    }

    /// Writes one event more of an account.
    pub(crate) async fn append(&mut self, id: &AggregateId, version: u64, event: Event) {
        self.queue(id, version, event);
        self.append_queued().await;
    }

    /// Writes an event that does not lead to any row, with something about it spoiled.
    pub(crate) async fn append_spoiled(
        &mut self,
        id: &AggregateId,
        version: u64,
        event: &Event,
        spoil: fn(&mut NewRecord),
    ) {
        self.queue_spoiled(id, version, event, spoil);
        self.append_queued().await;
    }

    /// One event more of an account, to be written with others.
    pub(crate) fn queue(&mut self, id: &AggregateId, version: u64, event: Event) {
        let record = self.record(id, version, &event);
        self.written.push((record.envelope.clone(), event));
        self.partition(id).queued.push(record);
    }

    /// An event with something about it spoiled, to be written with others.
    pub(crate) fn queue_spoiled(
        &mut self,
        id: &AggregateId,
        version: u64,
        event: &Event,
        spoil: fn(&mut NewRecord),
    ) {
        let mut record = self.record(id, version, event);
        self.spoiled += 1;
        spoil(&mut record);
        self.partition(id).queued.push(record);
    }

    /// Writes what was queued, one transaction for each partition.
    pub(crate) async fn append_queued(&mut self) {
        for partition in &mut self.partitions {
            partition.write().await;
        }
    }

    fn partition(&mut self, id: &AggregateId) -> &mut Partition {
        let number = usize::try_from(partition_of(id, PARTITIONS)).unwrap();
        &mut self.partitions[number]
    }

    fn record(&mut self, id: &AggregateId, version: u64, event: &Event) -> NewRecord {
        let command_id = Uuid::now_v7();
        let partition = self.partition(id);
        partition.sequence += 1;
        let (owner_epoch, partition_sequence) = (partition.epoch, partition.sequence);
        let envelope = Envelope {
            aggregate_id: id.clone(),
            event_id: Envelope::event_id_of(command_id, 0),
            event_type: self.codec.full_name(event.message_type()).unwrap().to_owned(),
            source: format!("/{CONTEXT}/account"),
            time: now(),
            version: Version(version),
            request_hash: 0,
            owner_epoch,
            partition_sequence,
            metadata: Metadata {
                command_id,
                correlation_id: "test".to_owned(),
                causation_id: "test".to_owned(),
                actor: "test".to_owned(),
                traceparent: String::new(),
            },
        };
        NewRecord { envelope, payload: self.codec.encode(event).unwrap() }
    }
}

impl Partition {
    /// Blocks.
    fn claim(settings: PartitionLogSettings, number: i32) -> Self {
        let mut log = KafkaPartitionLog::new(settings, number);
        let epoch = log.claim(0, &mut |_| Ok(())).unwrap().epoch;
        Self { log: Some(log), epoch, sequence: 0, queued: Vec::new() }
    }

    async fn write(&mut self) {
        let group = mem::take(&mut self.queued);
        if group.is_empty() {
            return;
        }
        let mut log = self.log.take().expect("nothing else writes");
        let append = move || {
            log.append(&Batch::events(&group)).unwrap();
            log
        };
        self.log = Some(spawn_blocking(append).await.unwrap());
    }
}
