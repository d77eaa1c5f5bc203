use std::{thread, time::Duration};

use super::{
    client::ClientSettings,
    owners::{Announcement, newest_epoch},
    producer::TransactionalProducer,
    replay::read_partition,
};
use crate::{LogError, NewRecord, PartitionLog, Recorded, Topics};

/// How many producers take turns. A second transaction of one id right after a commit meets a 20 ms pause in the
/// client; another id does not.
const PRODUCERS: usize = 2;
/// How long Kafka may take to fence the last owner.
const INIT: Duration = Duration::from_secs(10);
/// How long an announcement may take.
const ANNOUNCE: Duration = Duration::from_secs(5);

/// What a partition's owner needs to know.
#[derive(Debug, Clone)]
pub struct PartitionLogSettings {
    /// How to reach Kafka.
    pub client: ClientSettings,
    /// The context's topics.
    pub topics: Topics,
    /// Where this instance takes commands, for the announcement: `host:port`.
    pub address: String,
    /// How long a group may take to commit before its outcome counts as unknown.
    pub commit_timeout: Duration,
}

/// One partition of a context's events topic in Kafka.
pub struct KafkaPartitionLog {
    settings: PartitionLogSettings,
    topic: String,
    partition: i32,
    producers: Vec<TransactionalProducer>,
    turn: usize,
    epoch: u64,
}

impl KafkaPartitionLog {
    /// The partition, not owned yet.
    pub fn new(settings: PartitionLogSettings, partition: i32) -> Self {
        let topic = settings.topics.events();
        Self { settings, topic, partition, producers: Vec::new(), turn: 0, epoch: 0 }
    }

    /// Fences the last owner on every transactional id. Only after that is the end of the partition final: reading
    /// before all are fenced is the classic mistake.
    fn fence(&self) -> Result<Vec<TransactionalProducer>, LogError> {
        let client = &self.settings.client;
        let ids: Vec<_> = (0..PRODUCERS).map(|k| format!("{}-{}-{k}", self.topic, self.partition)).collect();
        thread::scope(|scope| {
            let takers: Vec<_> = ids
                .iter()
                .map(|id| scope.spawn(|| TransactionalProducer::take_over(client, id, INIT)))
                .collect();
            takers.into_iter().map(|taker| taker.join().expect("taking over does not panic")).collect()
        })
    }

    /// Replays and answers with the highest epoch that was seen.
    fn replay(
        &self,
        next: i64,
        fold: &mut dyn FnMut(Recorded) -> Result<(), LogError>,
    ) -> Result<u64, LogError> {
        let mut newest = self.epoch;
        read_partition(&self.settings.client, &self.topic, self.partition, next, &mut |recorded| {
            newest = newest.max(recorded.envelope.owner_epoch);
            fold(recorded)
        })?;
        Ok(newest)
    }

    fn announce(&self, producer: &TransactionalProducer, epoch: u64) -> Result<(), LogError> {
        let announcement =
            Announcement { partition: self.partition, epoch, address: self.settings.address.clone() };
        let payload = serde_json::to_vec(&announcement).expect("an announcement is plain JSON");
        let key = self.partition.to_string();
        producer.commit_one(&self.settings.topics.owners(), &key, &payload, ANNOUNCE)
    }

    /// Dropping a producer can wait for a broker that is gone; a thread of its own does the waiting.
    fn drop_producers(&mut self) {
        let producers = std::mem::take(&mut self.producers);
        if !producers.is_empty() {
            thread::spawn(move || drop(producers));
        }
    }
}

impl PartitionLog for KafkaPartitionLog {
    fn claim(
        &mut self,
        next: i64,
        fold: &mut dyn FnMut(Recorded) -> Result<(), LogError>,
    ) -> Result<u64, LogError> {
        self.drop_producers();
        let producers = self.fence()?;
        let in_log = self.replay(next, fold)?;
        let announced = newest_epoch(&self.settings.client, &self.settings.topics.owners(), self.partition)?;
        let epoch = in_log.max(announced) + 1;
        self.announce(&producers[0], epoch)?;
        (self.producers, self.epoch) = (producers, epoch);
        Ok(epoch)
    }

    fn append(&mut self, group: &[NewRecord]) -> Result<Vec<i64>, LogError> {
        self.turn = (self.turn + 1) % PRODUCERS;
        let producer = self.producers.get(self.turn).ok_or(LogError::NotClaimed)?;
        let committed = producer.commit(&self.topic, self.partition, group, self.settings.commit_timeout);
        if committed.is_err() {
            self.drop_producers();
        }
        committed
    }
}
