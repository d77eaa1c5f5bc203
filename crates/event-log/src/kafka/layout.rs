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
    context::KafkaLogContext,
    newest_events::newest_events,
    replay::{Reader, watermarks},
    shard_log::KafkaBroker,
    topics::new_topic,
};
use crate::{Broker, Layout, LayoutBroker, LogError, PRODUCERS, Producer, Shards, Topics};

/// How long a request to the cluster may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long Kafka may take to delete a topic and to create it again.
const TOPIC_TIMEOUT: Duration = Duration::from_mins(1);
/// The pause between two checks for a topic.
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
        Ok(self.describe(&self.topics.events())?.0)
    }

    /// The number of partitions of a topic and of their replicas; both are 0 if there is no such topic.
    fn describe(&self, topic: &str) -> Result<(i32, i32), LogError> {
        let metadata = self.view.fetch_metadata(Some(topic), CALL_TIMEOUT)?;
        let partitions = metadata.topics().first().map_or(&[][..], |found| found.partitions());
        let replicas = partitions.first().map_or(0, |partition| partition.replicas().len());
        let number = |count| i32::try_from(count).expect("Kafka counts in 32 bits");
        Ok((number(partitions.len()), number(replicas)))
    }

    fn admin(&self) -> Result<AdminClient<KafkaLogContext>, LogError> {
        Ok(self.client.base().create_with_context(KafkaLogContext)?)
    }

    fn delete(&self, topic: &str) -> Result<(), LogError> {
        let deleted = self.runtime.block_on(self.admin()?.delete_topics(&[topic], &options()))?;
        match deleted.into_iter().next() {
            Some(Err((_, code))) if code != RDKafkaErrorCode::UnknownTopicOrPartition => {
                Err(KafkaError::AdminOp(code).into())
            }
            _ => Ok(()),
        }
    }

    /// Creates a topic. While Kafka is still deleting one of the same name, it is repeated.
    fn create(&self, topic: &str, partitions: i32, replication: i32) -> Result<(), LogError> {
        let deadline = Instant::now() + TOPIC_TIMEOUT;
        let wanted = new_topic(topic, partitions, replication).set("cleanup.policy", "compact");
        loop {
            let created = self.runtime.block_on(self.admin()?.create_topics([&wanted], &options()))?;
            match created.into_iter().next() {
                Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) if Instant::now() < deadline => {}
                Some(Err((_, code))) => return Err(KafkaError::AdminOp(code).into()),
                _ => return Ok(()),
            }
            thread::sleep(PAUSE);
        }
    }

    /// Waits until the brokers know that a topic has this many partitions.
    fn await_partitions(&self, topic: &str, partitions: i32) -> Result<(), LogError> {
        let deadline = Instant::now() + TOPIC_TIMEOUT;
        while self.describe(topic)?.0 != partitions {
            if Instant::now() >= deadline {
                return Err(LogError::TimedOut(TOPIC_TIMEOUT));
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

fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(CALL_TIMEOUT)).request_timeout(Some(CALL_TIMEOUT))
}

impl LayoutBroker for KafkaLayout {
    fn layout(&mut self) -> Result<Layout, LogError> {
        let topic = self.topics.layout();
        let end = watermarks(&self.view, &topic, 0)?.1;
        let recorded = read_layout(&self.committed, &topic, end)?;
        recorded.map_or_else(|| Ok(Layout::first(self.describe(&self.topics.owners())?.0)), Ok)
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
        for shard in 0..self.describe(&owners)?.0 {
            highest = highest.max(floor + watermarks(&self.view, &owners, shard)?.1.unsigned_abs());
        }
        let newest = newest_events(&self.client, &self.topics.events())?;
        let in_events = newest.iter().map(|event| event.envelope.owner_epoch + 1);
        Ok(in_events.fold(highest, u64::max))
    }

    fn divide_owners(&mut self, shards: i32) -> Result<(), LogError> {
        let (owners, replication) = (self.topics.owners(), self.describe(&self.topics.events())?.1);
        let present = self.describe(&owners)?.0;
        if present == shards {
            return Ok(());
        }
        if present > 0 {
            self.delete(&owners)?;
        }
        self.create(&owners, shards, replication)?;
        self.await_partitions(&owners, shards)
    }
}
