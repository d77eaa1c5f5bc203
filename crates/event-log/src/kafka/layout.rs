//! The layout of a context in Kafka, and its change.

use std::{
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    Message,
    admin::{AdminClient, AdminOptions},
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
    groups::GroupInfo,
    producer::{BaseProducer, BaseRecord, Producer as _},
};
use tokio::runtime::Handle;

use super::{
    client::ClientSettings,
    command_reader::partition_count,
    context::KafkaLogContext,
    newest_events::newest_events,
    replay::{Reader, watermarks},
    shard_log::KafkaBroker,
    topics::apply_topics,
};
use crate::{Broker, Layout, LayoutBroker, LogError, PRODUCERS, Producer, Shards, Topics};

/// How long a request to the cluster may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long Kafka may take to delete a topic.
const DELETE_TIMEOUT: Duration = Duration::from_mins(1);
/// The pause between two checks for it.
const PAUSE: Duration = Duration::from_millis(50);
/// The key of all records of the layout topic.
const KEY: &str = "layout";
/// How many transactional ids each partition had before there were shards.
const IDS_OF_A_PARTITION: usize = 2;

/// The layout that was recorded last, below the end of the topic.
pub(super) fn read_layout(reader: &Reader, topic: &str, end: i64) -> Result<Option<Layout>, LogError> {
    let mut last = None;
    reader.replay(topic, 0, 0, end, &mut |message| {
        last = Some(message.payload().ok_or(()).and_then(|json| serde_json::from_slice(json).map_err(drop)));
        Ok(())
    })?;
    last.transpose().map_err(|()| LogError::InvalidLayout(topic.to_owned()))
}

/// The layout of a context, for the one who changes it. Its calls block.
pub struct KafkaLayout {
    client: ClientSettings,
    topics: Topics,
    runtime: Handle,
    view: BaseConsumer<KafkaLogContext>,
    committed: Reader,
    /// Its transactional id fences whoever began an earlier change.
    producer: BaseProducer<KafkaLogContext>,
}

impl KafkaLayout {
    /// Connects, and ends every earlier change that is still under way. The topics must exist.
    pub fn open(client: &ClientSettings, topics: &Topics, runtime: &Handle) -> Result<Self, LogError> {
        let producer: BaseProducer<KafkaLogContext> =
            client.base().set("transactional.id", topics.layout()).create_with_context(KafkaLogContext)?;
        producer.init_transactions(CALL_TIMEOUT)?;
        Ok(Self {
            view: client.uncommitted_view()?,
            committed: Reader::open(client, &format!("{}-reader", topics.layout()))?,
            client: client.clone(),
            topics: topics.clone(),
            runtime: runtime.clone(),
            producer,
        })
    }

    /// How many instances have joined the group that divides the shards among them.
    pub fn instances(&self) -> Result<usize, LogError> {
        let groups = self.view.fetch_group_list(Some(&self.topics.deciders()), CALL_TIMEOUT)?;
        Ok(groups.groups().iter().flat_map(GroupInfo::members).count())
    }

    /// The number of partitions of the context.
    pub fn partitions(&self) -> Result<i32, LogError> {
        partition_count(&self.view, &self.topics.events())
    }

    /// The number of brokers that hold a copy of each partition.
    fn replication(&self) -> Result<i32, LogError> {
        let metadata = self.view.fetch_metadata(Some(&self.topics.events()), CALL_TIMEOUT)?;
        let partitions = metadata.topics().first().map_or(&[][..], |found| found.partitions());
        let replicas = partitions.first().map_or(0, |partition| partition.replicas().len());
        Ok(i32::try_from(replicas).expect("Kafka counts in 32 bits"))
    }

    /// The number of partitions of the owners topic; 0 if a change was interrupted after it was deleted.
    fn owners_partitions(&self) -> Result<i32, LogError> {
        match partition_count(&self.view, &self.topics.owners()) {
            Err(LogError::Kafka(KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopicOrPartition))) => {
                Ok(0)
            }
            counted => counted,
        }
    }

    /// Deletes the owners topic, and waits until it is gone.
    fn delete_owners(&self) -> Result<(), LogError> {
        let admin: AdminClient<KafkaLogContext> = self.client.base().create_with_context(KafkaLogContext)?;
        let options =
            AdminOptions::new().operation_timeout(Some(CALL_TIMEOUT)).request_timeout(Some(CALL_TIMEOUT));
        let deleted = self.runtime.block_on(admin.delete_topics(&[&self.topics.owners()], &options))?;
        match deleted.into_iter().next() {
            // A repeated request finds it deleted.
            None | Some(Ok(_) | Err((_, RDKafkaErrorCode::UnknownTopicOrPartition))) => {}
            Some(Err((_, code))) => return Err(KafkaError::AdminOp(code).into()),
        }
        let deadline = Instant::now() + DELETE_TIMEOUT;
        while self.owners_partitions()? > 0 {
            if Instant::now() >= deadline {
                return Err(LogError::TimedOut(DELETE_TIMEOUT));
            }
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Initialises the ids that partitions had before there were shards.
    fn fence_partitions(&self) -> Result<(), LogError> {
        for partition in 0..self.partitions()? {
            for number in 0..IDS_OF_A_PARTITION {
                let id = format!("{}-{partition}-{number}", self.topics.events());
                let producer: BaseProducer<KafkaLogContext> =
                    self.client.base().set("transactional.id", id).create_with_context(KafkaLogContext)?;
                producer.init_transactions(CALL_TIMEOUT)?;
            }
        }
        Ok(())
    }
}

impl LayoutBroker for KafkaLayout {
    fn layout(&mut self) -> Result<Layout, LogError> {
        let topic = self.topics.layout();
        let end = watermarks(&self.view, &topic, 0)?.1;
        let recorded = read_layout(&self.committed, &topic, end)?;
        recorded.map_or_else(|| Ok(Layout::first(partition_count(&self.view, &self.topics.owners())?)), Ok)
    }

    fn record(&mut self, layout: Layout) -> Result<(), LogError> {
        let topic = self.topics.layout();
        let json = serde_json::to_vec(&layout).expect("a layout is plain JSON");
        self.producer.begin_transaction()?;
        let record = BaseRecord::to(&topic).partition(0).key(KEY).payload(&json);
        self.producer.send(record).map_err(|(error, _)| error)?;
        Ok(self.producer.commit_transaction(CALL_TIMEOUT)?)
    }

    fn fence(&mut self, shards: i32) -> Result<(), LogError> {
        let shards = Shards::new(self.partitions()?, shards)?;
        for shard in 0..shards.count() {
            let mut broker = KafkaBroker::new(self.client.clone(), self.topics.clone(), shards, shard);
            broker.connect(PRODUCERS)?.iter_mut().try_for_each(Producer::init)?;
        }
        self.fence_partitions()
    }

    /// Every announcement has an offset of its own, but an epoch may also have been derived from an event.
    fn highest_epoch(&mut self, floor: u64) -> Result<u64, LogError> {
        let owners = self.topics.owners();
        let mut highest = floor;
        for shard in 0..self.owners_partitions()? {
            highest = highest.max(floor + watermarks(&self.view, &owners, shard)?.1.unsigned_abs());
        }
        let newest = newest_events(&self.client, &self.topics.events())?;
        let in_events = newest.iter().map(|event| event.envelope.owner_epoch + 1);
        Ok(in_events.fold(highest, u64::max))
    }

    fn divide_owners(&mut self, shards: i32) -> Result<(), LogError> {
        let present = self.owners_partitions()?;
        if present == shards {
            return Ok(());
        }
        if present > 0 {
            self.delete_owners()?;
        }
        let shards = Shards::new(self.partitions()?, shards)?;
        let replication = self.replication()?;
        Ok(self.runtime.block_on(apply_topics(&self.client, &self.topics, shards, replication))?)
    }
}
