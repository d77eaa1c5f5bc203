//! Who owns which shard, according to the owners topic. This is only a hint for routing commands; Kafka's fence
//! alone decides who may write.

use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
    time::Duration,
};

use rdkafka::{
    Message, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::BorrowedMessage,
    topic_partition_list::Offset,
};
use tokio::sync::watch;
use tracing::warn;

use super::{
    client::{ClientSettings, is_passing},
    command_reader::partition_count,
    context::KafkaLogContext,
    owners::Announcement,
    whole_topic::read_whole,
};
use crate::{LogError, Topics};

/// How long one wait for the next announcement lasts, and the pause after an error.
const POLL_TIMEOUT: Duration = Duration::from_millis(100);

/// The owner of a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Where the owner accepts forwarded commands: `host:port`.
    pub address: String,
    /// The epoch of the announcement; a later owner of the shard has a higher one.
    pub epoch: u64,
}

/// The known owners of a context's shards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owners(BTreeMap<i32, Owner>);

impl Owners {
    /// The newest known owner of a shard.
    pub fn get(&self, shard: i32) -> Option<&Owner> {
        self.0.get(&shard)
    }

    /// Every shard that has a known owner.
    pub fn iter(&self) -> impl Iterator<Item = (i32, &Owner)> {
        self.0.iter().map(|(shard, owner)| (*shard, owner))
    }

    fn learn(&mut self, message: &BorrowedMessage<'_>) {
        let (shard, offset) = (message.partition(), message.offset());
        let Some(announcement) = Announcement::read(message) else {
            return warn!(shard, offset, "a record of the owners topic is not an announcement");
        };
        let epoch = announcement.epoch(offset);
        self.0.insert(shard, Owner { address: announcement.address, epoch });
    }
}

/// Follows the owners topic on a thread of its own until all receivers are dropped. The first value is sent once the
/// whole topic has been read; after that, each announcement as soon as it is committed.
pub fn follow_owners(client: &ClientSettings, topics: &Topics) -> Result<watch::Receiver<Owners>, LogError> {
    let opened = open(client, topics)?;
    let (client, topics) = (client.clone(), topics.clone());
    let (sender, receiver) = watch::channel(Owners::default());
    thread::spawn(move || {
        let mut opened = Ok(opened);
        while !sender.is_closed() {
            if let Err(error) = opened.and_then(|(consumer, shards)| follow(&consumer, shards, &sender)) {
                warn!(%error, "the owners cannot be followed; trying again");
                thread::sleep(POLL_TIMEOUT);
            }
            opened = open(&client, &topics);
        }
    });
    Ok(receiver)
}

/// The current owners according to the topic. Blocks.
pub(super) fn read_owners(client: &ClientSettings, topics: &Topics) -> Result<Owners, LogError> {
    let mut owners = Owners::default();
    read_whole(client, &topics.owners(), &mut |message| owners.learn(message))?;
    Ok(owners)
}

/// A consumer of the whole owners topic, and the number of its partitions.
fn open(client: &ClientSettings, topics: &Topics) -> Result<(BaseConsumer<KafkaLogContext>, i32), LogError> {
    let topic = topics.owners();
    let consumer: BaseConsumer<KafkaLogContext> =
        client.committed_reader(&format!("{topic}-followers")).create_with_context(KafkaLogContext)?;
    let shards = partition_count(&consumer, &topic)?;
    let mut all = TopicPartitionList::new();
    for shard in 0..shards {
        all.add_partition_offset(&topic, shard, Offset::Beginning)?;
    }
    consumer.assign(&all)?;
    Ok((consumer, shards))
}

fn follow(
    consumer: &BaseConsumer<KafkaLogContext>,
    shards: i32,
    sender: &watch::Sender<Owners>,
) -> Result<(), LogError> {
    let mut owners = Owners::default();
    let mut unread: BTreeSet<i32> = (0..shards).collect();
    while !sender.is_closed() {
        match consumer.poll(POLL_TIMEOUT) {
            Some(Ok(message)) => owners.learn(&message),
            Some(Err(KafkaError::PartitionEOF(shard))) => {
                unread.remove(&shard);
            }
            Some(Err(KafkaError::MessageConsumption(code))) if is_passing(code) => continue,
            Some(Err(error)) => return Err(error.into()),
            None => continue,
        }
        if unread.is_empty() {
            sender.send_replace(owners.clone());
        }
    }
    Ok(())
}
