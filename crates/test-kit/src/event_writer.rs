use std::{mem, time::Duration};

use aggregate::{AggregateId, Message, Metadata, Version};
use event_log::{
    Batch, ClientSettings, Codec, Envelope, KafkaPartitionLog, NewRecord, PartitionLog, PartitionLogSettings,
    Registry, SchemaFile, Topics, now, partition_of,
};
use tokio::task::spawn_blocking;
use uuid::Uuid;

use crate::TestEnvironment;

/// Writes the events of a context as their owner would, and keeps what it wrote. It can also write corrupt events.
pub struct EventWriter<E> {
    /// The intact events, in the order in which they were queued.
    pub written: Vec<(Envelope, E)>,
    context: String,
    spoiled: usize,
    partitions: Vec<Partition>,
    codec: Codec,
}

/// A partition that belongs to a writer.
struct Partition {
    /// None while it is written to, on another thread.
    log: Option<KafkaPartitionLog>,
    epoch: u64,
    sequence: u64,
    queued: Vec<NewRecord>,
}

impl<E: Message> EventWriter<E> {
    /// Registers the schemas, and claims every partition of a context's events.
    pub async fn new(
        environment: &TestEnvironment,
        context: &str,
        partitions: i32,
        schemas: &[SchemaFile],
    ) -> Self {
        let topics = Topics::new(&environment.topic_prefix, context);
        let registry = Registry::new(&environment.servers.registry_url).expect("the URL can be used");
        let codec = Codec::register(registry, &[(topics.events(), schemas)]).await;
        let settings = PartitionLogSettings {
            client: ClientSettings { brokers: environment.servers.brokers.clone() },
            topics,
            address: "test".to_owned(),
            commit_timeout: Duration::from_secs(10),
        };
        let mut claimed = Vec::new();
        for number in 0..partitions {
            let settings = settings.clone();
            let claim = spawn_blocking(move || Partition::claim(settings, number));
            claimed.push(claim.await.expect("the partition is free"));
        }
        Self {
            written: Vec::new(),
            context: context.to_owned(),
            spoiled: 0,
            partitions: claimed,
            codec: codec.expect("the registry accepts the schemas"),
        }
    }

    /// The number of events, including corrupt ones.
    pub fn events(&self) -> usize {
        self.written.len() + self.spoiled
    }

    /// Writes new aggregates, each with its whole history.
    pub async fn append_new(&mut self, histories: impl IntoIterator<Item = Vec<E>>) {
        for history in histories {
            let id = AggregateId::from(Uuid::now_v7());
            for (version, event) in (1..).zip(history) {
                self.queue(&id, version, event);
            }
        }
        self.append_queued().await;
    }

    /// Writes an event.
    pub async fn append(&mut self, id: &AggregateId, version: u64, event: E) {
        self.queue(id, version, event);
        self.append_queued().await;
    }

    /// Writes a corrupt event, which cannot be applied.
    pub async fn append_spoiled(
        &mut self,
        id: &AggregateId,
        version: u64,
        event: &E,
        spoil: fn(&mut NewRecord),
    ) {
        self.queue_spoiled(id, version, event, spoil);
        self.append_queued().await;
    }

    /// Queues an event, to be written together with others.
    pub fn queue(&mut self, id: &AggregateId, version: u64, event: E) {
        let record = self.record(id, version, &event);
        self.written.push((record.envelope.clone(), event));
        self.partition(id).queued.push(record);
    }

    /// Queues a corrupt event, to be written together with others.
    pub fn queue_spoiled(&mut self, id: &AggregateId, version: u64, event: &E, spoil: fn(&mut NewRecord)) {
        let mut record = self.record(id, version, event);
        self.spoiled += 1;
        spoil(&mut record);
        self.partition(id).queued.push(record);
    }

    /// Writes the queued events, in one transaction per partition.
    pub async fn append_queued(&mut self) {
        for partition in &mut self.partitions {
            partition.write().await;
        }
    }

    fn partition(&mut self, id: &AggregateId) -> &mut Partition {
        let count = i32::try_from(self.partitions.len()).expect("a handful");
        &mut self.partitions[usize::try_from(partition_of(id, count)).expect("a count")]
    }

    fn record(&mut self, id: &AggregateId, version: u64, event: &E) -> NewRecord {
        let command_id = Uuid::now_v7();
        let event_type =
            self.codec.full_name(event.message_type()).expect("the event has a schema").to_owned();
        let payload = self.codec.encode(event).expect("the event matches its schema");
        let source = format!("/{}", self.context);
        let partition = self.partition(id);
        partition.sequence += 1;
        let envelope = Envelope {
            aggregate_id: id.clone(),
            event_id: Envelope::event_id_of(command_id, 0),
            event_type,
            source,
            time: now(),
            version: Version(version),
            request_hash: 0,
            owner_epoch: partition.epoch,
            partition_sequence: partition.sequence,
            metadata: Metadata {
                command_id,
                correlation_id: "test".to_owned(),
                causation_id: "test".to_owned(),
                actor: "test".to_owned(),
                traceparent: String::new(),
            },
        };
        NewRecord { envelope, payload }
    }
}

impl Partition {
    /// Blocks.
    fn claim(settings: PartitionLogSettings, number: i32) -> Self {
        let mut log = KafkaPartitionLog::new(settings, number);
        let epoch = log.claim(0, &mut |_| Ok(())).expect("the partition is free").epoch;
        Self { log: Some(log), epoch, sequence: 0, queued: Vec::new() }
    }

    async fn write(&mut self) {
        let group = mem::take(&mut self.queued);
        if group.is_empty() {
            return;
        }
        let mut log = self.log.take().expect("nothing else writes");
        let append = move || {
            log.append(&Batch::events(&group)).expect("the commit succeeds");
            log
        };
        self.log = Some(spawn_blocking(append).await.expect("the commit succeeds"));
    }
}
