//! One partition of a context in Kafka, for the ownership protocol.

use std::{sync::Arc, thread, time::Duration};

use rdkafka::{Message, Offset, TopicPartitionList, consumer::Consumer};

use super::{
    client::{ClientSettings, Ends},
    owners::announces,
    producer::{Route, TransactionalProducer},
    replay::{Reader, hand, watermarks},
};
use crate::{Broker, FencedLog, Fold, LogError, Topics};

/// How long Kafka may take to return the committed offset of the commands.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// The settings of a partition's owner.
#[derive(Debug, Clone)]
pub struct PartitionLogSettings {
    /// How to connect to Kafka.
    pub client: ClientSettings,
    /// The context's topics.
    pub topics: Topics,
    /// Where this instance accepts commands: `host:port`. It is announced with each claim.
    pub address: String,
    /// How long the commit of a group may take before its outcome counts as unknown.
    pub commit_timeout: Duration,
}

/// One partition of a context in Kafka.
pub type KafkaPartitionLog = FencedLog<KafkaBroker>;

impl KafkaPartitionLog {
    /// The partition, not owned yet.
    pub fn new(settings: PartitionLogSettings, partition: i32) -> Self {
        let broker = KafkaBroker::new(settings.client, settings.topics, partition);
        Self::over(broker, settings.address, settings.commit_timeout)
    }
}

/// Kafka, as one instance sees it for one partition.
pub struct KafkaBroker {
    client: ClientSettings,
    topics: Topics,
    events: String,
    partition: i32,
    clients: Option<Clients>,
}

/// Clients that are opened on first use and kept: connecting takes longer than anything they do.
struct Clients {
    /// Reads committed records only. It acts for the consumer group of the commands without being a member; Kafka
    /// allows that to the partition's transactional ids, which are the fence.
    committed: Reader,
    ends: Arc<Ends>,
}

impl KafkaBroker {
    /// One partition of a context's topics.
    pub fn new(client: ClientSettings, topics: Topics, partition: i32) -> Self {
        let events = topics.events();
        Self { client, topics, events, partition, clients: None }
    }

    fn clients(&mut self) -> Result<&Clients, LogError> {
        if self.clients.is_none() {
            let committed = Reader::open(&self.client, &self.topics.deciders())?;
            self.clients = Some(Clients { committed, ends: self.client.ends()? });
        }
        Ok(self.clients.as_ref().expect("it was just opened"))
    }

    fn route(&mut self, number: usize) -> Result<Route, LogError> {
        let deciders = self.clients()?.committed.consumer().group_metadata();
        Ok(Route {
            client: self.client.clone(),
            transactional_id: format!("{}-{}-{number}", self.events, self.partition),
            events: self.events.clone(),
            outcomes: self.topics.outcomes(),
            commands: self.topics.commands(),
            owners: self.topics.owners(),
            partition: self.partition,
            deciders: deciders.expect("the reader has a group"),
        })
    }
}

impl Broker for KafkaBroker {
    type Producer = TransactionalProducer;

    fn connect(&mut self, count: usize) -> Result<Vec<TransactionalProducer>, LogError> {
        let routes = (0..count).map(|number| self.route(number)).collect::<Result<Vec<_>, _>>()?;
        // Connecting is mostly waiting, so all producers connect at the same time.
        let connecting: Vec<_> =
            routes.into_iter().map(|route| thread::spawn(|| TransactionalProducer::connect(route))).collect();
        connecting.into_iter().map(|one| one.join().expect("connecting does not panic")).collect()
    }

    fn end(&mut self) -> Result<i64, LogError> {
        let (events, partition) = (self.events.clone(), self.partition);
        Ok(watermarks(&self.clients()?.ends, &events, partition)?.1)
    }

    fn stable_end(&mut self) -> Result<i64, LogError> {
        let (events, partition) = (self.events.clone(), self.partition);
        Ok(watermarks(self.clients()?.committed.consumer(), &events, partition)?.1)
    }

    fn replay(&mut self, next: i64, mark: i64, fold: &mut Fold<'_>) -> Result<(), LogError> {
        let (events, partition) = (self.events.clone(), self.partition);
        let reader = &self.clients()?.committed;
        reader.replay(&events, partition, next, mark, &mut |message| hand(message, fold))
    }

    fn next_command(&mut self) -> Result<i64, LogError> {
        let (commands, partition) = (self.topics.commands(), self.partition);
        let consumer = self.clients()?.committed.consumer();
        let mut asked = TopicPartitionList::new();
        asked.add_partition(&commands, partition);
        let answer = consumer.committed_offsets(asked, CALL_TIMEOUT)?;
        let told =
            answer.elements_for_topic(&commands).into_iter().next().expect("one partition was asked for");
        told.error()?;
        let first = watermarks(consumer, &commands, partition)?.0;
        match told.offset() {
            Offset::Offset(next) => Ok(next.max(first)),
            _ => Ok(first),
        }
    }

    fn owners_end(&mut self) -> Result<i64, LogError> {
        let owners = self.topics.owners();
        Ok(watermarks(&self.clients()?.ends, &owners, 0)?.1)
    }

    fn last_announcement(&mut self, from: i64, end: i64) -> Result<Option<i64>, LogError> {
        let (owners, partition) = (self.topics.owners(), self.partition);
        let mut last = None;
        self.clients()?.committed.replay(&owners, 0, from, end, &mut |message| {
            if announces(message, partition) {
                last = Some(message.offset());
            }
            Ok(())
        })?;
        Ok(last)
    }
}
