//! Creates a context's topics and checks their configuration. It never changes or deletes an existing topic.

use std::{
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
};

use super::{client::ClientSettings, context::KafkaLogContext};
use crate::{Shards, Topics};

/// How long a request to the cluster may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause between two checks for a new topic.
const PAUSE: Duration = Duration::from_millis(20);
/// The largest batch that the topics accept, in bytes: Kafka's default, whatever that of the cluster is. It holds the
/// largest record that the client sends.
const MAX_BATCH_BYTES: &str = "1048588";
/// The retention of commands and outcomes: one week.
const WEEK_MS: &str = "604800000";

/// The topics are not as expected.
#[derive(Debug, thiserror::Error)]
pub enum TopicsError {
    /// Kafka did not answer, or refused.
    #[error("kafka: {0}")]
    Kafka(#[from] KafkaError),
    /// A topic could not be created.
    #[error("topic {topic} cannot be created: {code}")]
    Refused {
        /// The topic's name.
        topic: String,
        /// The error code of Kafka.
        code: RDKafkaErrorCode,
    },
    /// A topic does not exist.
    #[error("topic {0} does not exist; `foldline topics apply` creates it")]
    Missing(String),
    /// A topic has the wrong number of partitions. The number determines the partition of each aggregate, and that of the
    /// owners topic the shard of each partition. Only the latter can be changed, with `foldline shards set`.
    #[error(
        "topic {topic} has {found} partitions, not {expected}: the number is fixed when a topic is created"
    )]
    PartitionCount {
        /// The topic's name.
        topic: String,
        /// The number it has.
        found: usize,
        /// The number it must have.
        expected: i32,
    },
}

impl TopicsError {
    /// Whether a retry can help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Kafka(_))
    }
}

/// Creates the missing topics of a context, then checks all of them. It is idempotent.
pub async fn apply_topics(
    client: &ClientSettings,
    topics: &Topics,
    shards: Shards,
    replication: i32,
) -> Result<(), TopicsError> {
    let partitions = shards.partitions();
    let names = topics.names();
    let [events, commands, outcomes, owners, layout, schemas] = names.each_ref();
    let in_sync = if replication >= 3 { "2" } else { "1" };
    let topic = |name, partitions| NewTopic::new(name, partitions, TopicReplication::Fixed(replication));
    let wanted = [
        topic(events, partitions).set("retention.ms", "-1").set("retention.bytes", "-1"),
        topic(commands, partitions).set("retention.ms", WEEK_MS),
        topic(outcomes, partitions).set("cleanup.policy", "compact,delete").set("retention.ms", WEEK_MS),
        topic(owners, shards.count()).set("cleanup.policy", "compact"),
        topic(layout, 1).set("cleanup.policy", "compact"),
        topic(schemas, 1).set("cleanup.policy", "compact"),
    ]
    .map(|topic| topic.set("min.insync.replicas", in_sync).set("max.message.bytes", MAX_BATCH_BYTES));
    let admin: AdminClient<KafkaLogContext> = client.base().create_with_context(KafkaLogContext)?;
    let options =
        AdminOptions::new().operation_timeout(Some(CALL_TIMEOUT)).request_timeout(Some(CALL_TIMEOUT));
    for created in admin.create_topics(&wanted, &options).await? {
        match created {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => return Err(TopicsError::Refused { topic, code }),
        }
    }
    let (client, topics) = (client.clone(), topics.clone());
    tokio::task::spawn_blocking(move || await_partitions(&client, &topics, shards))
        .await
        .expect("checking topics does not panic")
}

/// A broker may learn of a new topic a moment after it was created.
fn await_partitions(client: &ClientSettings, topics: &Topics, shards: Shards) -> Result<(), TopicsError> {
    let deadline = Instant::now() + CALL_TIMEOUT;
    loop {
        match check_partitions(client, topics, shards) {
            Err(TopicsError::Missing(_)) if Instant::now() < deadline => {
                thread::sleep(PAUSE);
            }
            checked => return checked,
        }
    }
}

/// Checks that a context's topics exist and have the right number of partitions; the owners topic has one for each shard,
/// those of the layout and of the schemas have one. Blocks.
pub fn check_partitions(client: &ClientSettings, topics: &Topics, shards: Shards) -> Result<(), TopicsError> {
    let consumer: BaseConsumer<KafkaLogContext> = client.base().create_with_context(KafkaLogContext)?;
    let partitions = shards.partitions();
    let expectations = [
        (topics.events(), partitions),
        (topics.commands(), partitions),
        (topics.outcomes(), partitions),
        (topics.owners(), shards.count()),
        (topics.layout(), 1),
        (topics.schemas(), 1),
    ];
    for (topic, expected) in expectations {
        let metadata = consumer.fetch_metadata(Some(&topic), CALL_TIMEOUT)?;
        let found = metadata.topics().first().map_or(0, |found| found.partitions().len());
        if found == 0 {
            return Err(TopicsError::Missing(topic));
        }
        if i32::try_from(found) != Ok(expected) {
            return Err(TopicsError::PartitionCount { topic, found, expected });
        }
    }
    Ok(())
}
