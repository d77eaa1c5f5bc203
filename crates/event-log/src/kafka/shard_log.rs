//! One shard of a context in Kafka, for the ownership protocol.

use std::{sync::Arc, thread, time::Duration};

use rdkafka::{Message, Offset, TopicPartitionList, consumer::Consumer};

use super::{
    client::{ClientSettings, Ends},
    layout::read_layout,
    owners::Announcement,
    producer::{Route, TransactionalProducer},
    replay::{Reader, hand, watermarks},
};
use crate::{Broker, FencedLog, Fold, Layout, LogError, Shards, Topics};

/// How long Kafka may take to return the committed offset of the commands.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// The settings of the owner of shards.
#[derive(Debug, Clone)]
pub struct ShardLogSettings {
    /// How to connect to Kafka.
    pub client: ClientSettings,
    /// The context's topics.
    pub topics: Topics,
    /// The partitions of the topics and their shards.
    pub shards: Shards,
    /// Where this instance accepts commands: `host:port`. It is announced with each claim.
    pub address: String,
    /// How long the commit of a group may take before its outcome counts as unknown.
    pub commit_timeout: Duration,
}

/// One shard of a context in Kafka.
pub type KafkaShardLog = FencedLog<KafkaBroker>;

impl KafkaShardLog {
    /// The shard, not owned yet.
    pub fn new(settings: ShardLogSettings, shard: i32) -> Self {
        let broker = KafkaBroker::new(settings.client, settings.topics, settings.shards, shard);
        Self::over(broker, settings.address, settings.commit_timeout)
    }
}

/// Kafka, as one instance sees it for one shard.
pub struct KafkaBroker {
    client: ClientSettings,
    topics: Topics,
    events: String,
    shards: Shards,
    shard: i32,
    /// The layout that was read last, and the end of its topic at that time.
    layout: Option<(i64, Layout)>,
    clients: Option<Clients>,
}

/// Clients that are opened on first use and kept: connecting takes longer than anything they do.
struct Clients {
    /// Reads committed records only. It acts for the consumer group of the commands without being a member; Kafka
    /// allows that to the shard's transactional ids, which are the fence.
    committed: Reader,
    ends: Arc<Ends>,
}

impl KafkaBroker {
    /// One shard of a context.
    pub fn new(client: ClientSettings, topics: Topics, shards: Shards, shard: i32) -> Self {
        let events = topics.events();
        Self { client, topics, events, shards, shard, layout: None, clients: None }
    }

    fn clients(&mut self) -> Result<&Clients, LogError> {
        if self.clients.is_none() {
            let committed = Reader::open(&self.client, &self.topics.deciders())?;
            self.clients = Some(Clients { committed, ends: self.client.ends()? });
        }
        Ok(self.clients.as_ref().expect("it was just opened"))
    }

    /// Whether an owner of the shard has announced itself, and thereby committed the next command of each partition.
    fn had_an_owner(&mut self) -> Result<bool, LogError> {
        let end = self.owners_end()?;
        Ok(self.last_announcement(0, end)?.is_some())
    }

    fn route(&mut self, number: usize) -> Result<Route, LogError> {
        let deciders = self.clients()?.committed.consumer().group_metadata();
        let (events, shards, shard) = (self.events.clone(), self.shards.count(), self.shard);
        Ok(Route {
            client: self.client.clone(),
            // With the number of shards: the same shard of another layout has other partitions.
            transactional_id: format!("{events}-{shards}-{shard}-{number}"),
            events,
            outcomes: self.topics.outcomes(),
            commands: self.topics.commands(),
            owners: self.topics.owners(),
            shard,
            deciders: deciders.expect("the reader has a group"),
        })
    }
}

impl Broker for KafkaBroker {
    type Producer = TransactionalProducer;

    fn partitions(&self) -> Vec<i32> {
        self.shards.partitions_of(self.shard).collect()
    }

    fn shards(&self) -> i32 {
        self.shards.count()
    }

    /// A change is always recorded, so the layout is the same as long as its topic ends at the same offset.
    fn layout(&mut self) -> Result<Layout, LogError> {
        let topic = self.topics.layout();
        let end = watermarks(&self.clients()?.ends, &topic, 0)?.1;
        match self.layout {
            Some((read_to, layout)) if read_to == end => Ok(layout),
            _ => {
                let recorded = read_layout(&self.clients()?.committed, &topic, end)?;
                let layout = recorded.unwrap_or(Layout::first(self.shards.count()));
                self.layout = Some((end, layout));
                Ok(layout)
            }
        }
    }

    fn connect(&mut self, count: usize) -> Result<Vec<TransactionalProducer>, LogError> {
        let routes = (0..count).map(|number| self.route(number)).collect::<Result<Vec<_>, _>>()?;
        // Connecting is mostly waiting, so all producers connect at the same time.
        let connecting: Vec<_> =
            routes.into_iter().map(|route| thread::spawn(|| TransactionalProducer::connect(route))).collect();
        connecting.into_iter().map(|one| one.join().expect("connecting does not panic")).collect()
    }

    fn end(&mut self, partition: i32) -> Result<i64, LogError> {
        let events = self.events.clone();
        Ok(watermarks(&self.clients()?.ends, &events, partition)?.1)
    }

    fn stable_end(&mut self, partition: i32) -> Result<i64, LogError> {
        let events = self.events.clone();
        Ok(watermarks(self.clients()?.committed.consumer(), &events, partition)?.1)
    }

    fn replay(&mut self, partition: i32, next: i64, mark: i64, fold: &mut Fold<'_>) -> Result<(), LogError> {
        let events = self.events.clone();
        let reader = &self.clients()?.committed;
        reader.replay(&events, partition, next, mark, &mut |message| hand(message, fold))
    }

    fn next_command(&mut self, partition: i32) -> Result<i64, LogError> {
        let commands = self.topics.commands();
        let consumer = self.clients()?.committed.consumer();
        let mut asked = TopicPartitionList::new();
        asked.add_partition(&commands, partition);
        let answer = consumer.committed_offsets(asked, CALL_TIMEOUT)?;
        let told =
            answer.elements_for_topic(&commands).into_iter().next().expect("one partition was asked for");
        told.error()?;
        let (first, end) = watermarks(consumer, &commands, partition)?;
        match told.offset() {
            Offset::Offset(next) => Ok(next.max(first)),
            _ if first < end && self.had_an_owner()? => {
                Err(LogError::CommandOffsetLost { group: self.topics.deciders(), topic: commands, partition })
            }
            _ => Ok(first),
        }
    }

    fn owners_end(&mut self) -> Result<i64, LogError> {
        let (owners, shard) = (self.topics.owners(), self.shard);
        Ok(watermarks(&self.clients()?.ends, &owners, shard)?.1)
    }

    fn last_announcement(&mut self, from: i64, end: i64) -> Result<Option<u64>, LogError> {
        let (owners, shard) = (self.topics.owners(), self.shard);
        let mut last = None;
        self.clients()?.committed.replay(&owners, shard, from, end, &mut |message| {
            if let Some(announcement) = Announcement::read(message) {
                last = Some(announcement.epoch(message.offset()));
            }
            Ok(())
        })?;
        Ok(last)
    }
}
