//! Who owns which partition, according to the owners topic. This is only a hint for routing commands; Kafka's fence
//! alone decides who may write.

use std::{collections::BTreeMap, thread, time::Duration};

use rdkafka::{
    Message, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::BorrowedMessage,
    topic_partition_list::Offset,
};
use serde::Deserialize;
use tokio::sync::watch;
use tracing::warn;

use super::{
    client::{ClientSettings, is_passing},
    context::KafkaLogContext,
    whole_topic::read_whole,
};
use crate::{LogError, Topics};

/// How long one wait for the next announcement lasts, and the pause after an error.
const POLL_TIMEOUT: Duration = Duration::from_millis(100);

/// The owner of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Where the owner accepts forwarded commands: `host:port`.
    pub address: String,
    /// The epoch of the announcement; a later owner has a higher one.
    pub epoch: u64,
}

/// The known owners of a context's partitions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owners(BTreeMap<i32, Owner>);

impl Owners {
    /// The newest known owner of a partition.
    pub fn get(&self, partition: i32) -> Option<&Owner> {
        self.0.get(&partition)
    }

    /// Every partition that has a known owner.
    pub fn iter(&self) -> impl Iterator<Item = (i32, &Owner)> {
        self.0.iter().map(|(partition, owner)| (*partition, owner))
    }

    fn learn(&mut self, message: &BorrowedMessage<'_>) {
        let read = message.payload().and_then(|payload| serde_json::from_slice(payload).ok());
        let (Some(Announcement { partition, address }), Ok(offset)) = (read, u64::try_from(message.offset()))
        else {
            return warn!(offset = message.offset(), "a record of the owners topic is not an announcement");
        };
        self.0.insert(partition, Owner { address, epoch: offset + 1 });
    }
}

/// The fields of an announcement that are used here.
#[derive(Deserialize)]
struct Announcement {
    partition: i32,
    address: String,
}

/// Follows the owners topic on a thread of its own until all receivers are dropped. The first value is sent once the
/// whole topic has been read; after that, each announcement as soon as it is committed.
pub fn follow_owners(client: &ClientSettings, topics: &Topics) -> Result<watch::Receiver<Owners>, LogError> {
    let consumer = open(client, topics)?;
    let (client, topics) = (client.clone(), topics.clone());
    let (sender, receiver) = watch::channel(Owners::default());
    thread::spawn(move || {
        let mut opened = Ok(consumer);
        while !sender.is_closed() {
            if let Err(error) = opened.and_then(|consumer| follow(&consumer, &sender)) {
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

fn open(client: &ClientSettings, topics: &Topics) -> Result<BaseConsumer<KafkaLogContext>, LogError> {
    let topic = topics.owners();
    let consumer: BaseConsumer<KafkaLogContext> =
        client.committed_reader(&format!("{topic}-followers")).create_with_context(KafkaLogContext)?;
    let mut all = TopicPartitionList::new();
    all.add_partition_offset(&topic, 0, Offset::Beginning)?;
    consumer.assign(&all)?;
    Ok(consumer)
}

fn follow(consumer: &BaseConsumer<KafkaLogContext>, sender: &watch::Sender<Owners>) -> Result<(), LogError> {
    let mut owners = Owners::default();
    let mut is_whole = false;
    while !sender.is_closed() {
        match consumer.poll(POLL_TIMEOUT) {
            Some(Ok(message)) => owners.learn(&message),
            Some(Err(KafkaError::PartitionEOF(_))) => is_whole = true,
            Some(Err(KafkaError::MessageConsumption(code))) if is_passing(code) => continue,
            Some(Err(error)) => return Err(error.into()),
            None => continue,
        }
        if is_whole {
            sender.send_replace(owners.clone());
        }
    }
    Ok(())
}
