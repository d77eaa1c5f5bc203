use std::{collections::BTreeMap, mem, time::Duration};

use aggregate::{AggregateId, Message, Metadata, Version};
use event_log::{
    Batch, ClientSettings, Codec, Envelope, KafkaShardLog, NewRecord, Offsets, Registry, SchemaFile,
    ShardLog, ShardLogSettings, Shards, Topics, now, partition_of,
};
use tokio::task::spawn_blocking;
use uuid::Uuid;

use crate::TestEnvironment;

/// Writes the events of a context as their owner would, and records them. It can also write corrupt events.
pub struct EventWriter<E> {
    /// The intact events, in the order in which they were queued.
    pub written: Vec<(Envelope, E)>,
    context: String,
    corrupt_events: usize,
    shards: Shards,
    /// `None` while another thread writes to it.
    log: Option<KafkaShardLog>,
    epoch: u64,
    /// The sequence number of the last event of each partition.
    sequences: BTreeMap<i32, u64>,
    queued: Vec<NewRecord>,
    codec: Codec,
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
        // One owner of everything, however many shards the services have.
        let shards = Shards::new(partitions, 1).expect("there are partitions");
        let settings = ShardLogSettings {
            client: ClientSettings { brokers: environment.servers.brokers.clone() },
            topics,
            shards,
            address: "test".to_owned(),
            commit_timeout: Duration::from_secs(10),
        };
        let claim = spawn_blocking(move || {
            let mut log = KafkaShardLog::new(settings, 0);
            let claimed = log.claim(&Offsets::new(), &mut |_| Ok(())).expect("the shard is free");
            (log, claimed.epoch)
        });
        let (log, epoch) = claim.await.expect("the shard is free");
        Self {
            written: Vec::new(),
            context: context.to_owned(),
            corrupt_events: 0,
            shards,
            log: Some(log),
            epoch,
            sequences: BTreeMap::new(),
            queued: Vec::new(),
            codec: codec.expect("the registry accepts the schemas"),
        }
    }

    /// The number of events, including corrupt ones.
    pub fn events(&self) -> usize {
        self.written.len() + self.corrupt_events
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
    pub async fn append_corrupt(
        &mut self,
        id: &AggregateId,
        version: u64,
        event: &E,
        corrupt: fn(&mut NewRecord),
    ) {
        self.queue_corrupt(id, version, event, corrupt);
        self.append_queued().await;
    }

    /// Queues an event, to be written together with others.
    pub fn queue(&mut self, id: &AggregateId, version: u64, event: E) {
        let record = self.record(id, version, &event);
        self.written.push((record.envelope.clone(), event));
        self.queued.push(record);
    }

    /// Queues a corrupt event, to be written together with others.
    pub fn queue_corrupt(&mut self, id: &AggregateId, version: u64, event: &E, corrupt: fn(&mut NewRecord)) {
        let mut record = self.record(id, version, event);
        self.corrupt_events += 1;
        corrupt(&mut record);
        self.queued.push(record);
    }

    /// Writes the queued events, in one transaction.
    pub async fn append_queued(&mut self) {
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

    fn record(&mut self, id: &AggregateId, version: u64, event: &E) -> NewRecord {
        let command_id = Uuid::now_v7();
        let event_type =
            self.codec.full_name(event.message_type()).expect("the event has a schema").to_owned();
        let payload = self.codec.encode(event).expect("the event matches its schema");
        let source = format!("/{}", self.context);
        let partition = partition_of(id, self.shards.partitions());
        let sequence = self.sequences.entry(partition).or_default();
        *sequence += 1;
        let envelope = Envelope {
            aggregate_id: id.clone(),
            event_id: Envelope::event_id_of(command_id, 0),
            event_type,
            source,
            time: now(),
            version: Version(version),
            request_hash: 0,
            owner_epoch: self.epoch,
            partition_sequence: *sequence,
            metadata: Metadata {
                command_id,
                correlation_id: "test".into(),
                causation_id: "test".into(),
                actor: "test".into(),
                traceparent: "".into(),
            },
        };
        NewRecord { partition, envelope, payload }
    }
}
