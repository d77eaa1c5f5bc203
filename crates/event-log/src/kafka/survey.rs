//! What an operator wants to see of a context's topics: their configuration, and the progress of each partition.

use std::time::Duration;

use rdkafka::{
    TopicPartitionList,
    admin::{AdminClient, AdminOptions, ConfigResource, ResourceSpecifier},
    consumer::{BaseConsumer, Consumer},
    topic_partition_list::Offset,
};
use tokio::task::spawn_blocking;

use super::{
    client::ClientSettings,
    command_reader::partition_count,
    context::KafkaLogContext,
    outcomes::{Outcome, outcome},
    owners_follower::read_owners,
    whole_topic::read_whole,
};
use crate::{LogError, Owner, Shards, Topics, TopicsError};

/// How long a request to a broker may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// The configuration of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicDescription {
    /// Its name.
    pub name: String,
    /// The number of partitions.
    pub partitions: usize,
    /// The replication factor.
    pub replicas: usize,
    /// Kafka's `cleanup.policy`.
    pub cleanup: String,
    /// Kafka's `retention.ms`; -1 is for ever.
    pub retention_ms: String,
    /// Kafka's `min.insync.replicas`.
    pub in_sync: String,
}

/// The owner of one shard, and the progress of its partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardSurvey {
    /// The shard.
    pub shard: i32,
    /// The owner that announced itself last.
    pub owner: Option<Owner>,
    /// The shard's partitions.
    pub partitions: Vec<PartitionSurvey>,
}

/// The progress of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionSurvey {
    /// The partition.
    pub partition: i32,
    /// The offset after its last event.
    pub end: i64,
    /// How many offsets of its commands are not decided yet. Commit markers count, so this is more than the number of
    /// commands.
    pub commands_lag: i64,
}

/// Describes the topics of a context.
pub async fn describe_topics(
    client: &ClientSettings,
    topics: &Topics,
) -> Result<Vec<TopicDescription>, TopicsError> {
    let admin: AdminClient<KafkaLogContext> = client.base().create_with_context(KafkaLogContext)?;
    let mut described = Vec::new();
    for name in topics.names() {
        let asked = [ResourceSpecifier::Topic(&name)];
        let configs =
            admin.describe_configs(&asked, &AdminOptions::new().request_timeout(Some(CALL_TIMEOUT))).await?;
        let Some(Ok(config)) = configs.into_iter().next() else {
            return Err(TopicsError::Missing(name));
        };
        let view = client.uncommitted_view()?;
        let description = spawn_blocking(move || describe(&view, name, &config)).await;
        described.push(description.expect("describing a topic does not panic")?);
    }
    Ok(described)
}

fn describe(
    view: &BaseConsumer<KafkaLogContext>,
    name: String,
    config: &ConfigResource,
) -> Result<TopicDescription, TopicsError> {
    let setting = |setting| config.get(setting).and_then(|entry| entry.value.clone()).unwrap_or_default();
    let metadata = view.fetch_metadata(Some(&name), CALL_TIMEOUT)?;
    let partitions = metadata.topics().first().map_or(&[][..], |topic| topic.partitions());
    Ok(TopicDescription {
        partitions: partitions.len(),
        replicas: partitions.iter().map(|partition| partition.replicas().len()).min().unwrap_or_default(),
        cleanup: setting("cleanup.policy"),
        retention_ms: setting("retention.ms"),
        in_sync: setting("min.insync.replicas"),
        name,
    })
}

/// The owner and the progress of every shard of a context. Blocks.
pub fn survey_shards(client: &ClientSettings, topics: &Topics) -> Result<Vec<ShardSurvey>, LogError> {
    let owners = read_owners(client, topics)?;
    let (events, commands) = (topics.events(), topics.commands());
    let view: BaseConsumer<KafkaLogContext> =
        client.committed_reader(&topics.deciders()).create_with_context(KafkaLogContext)?;
    let partitions = partition_count(&view, &events)?;
    let shards = Shards::new(partitions, partition_count(&view, &topics.owners())?)?;
    let survey = |partition| {
        let end = view.fetch_watermarks(&events, partition, CALL_TIMEOUT)?.1;
        Ok(PartitionSurvey { partition, end, commands_lag: lag(&view, &commands, partition)? })
    };
    let survey = |shard| {
        let partitions = shards.partitions_of(shard).map(survey).collect::<Result<_, LogError>>()?;
        Ok(ShardSurvey { shard, owner: owners.get(shard).cloned(), partitions })
    };
    (0..shards.count()).map(survey).collect()
}

/// The end of every partition of a topic: the offset of the next record. Blocks.
pub fn partition_ends(client: &ClientSettings, topic: &str) -> Result<Vec<i64>, LogError> {
    let view = client.uncommitted_view()?;
    let end = |partition| Ok(view.fetch_watermarks(topic, partition, CALL_TIMEOUT)?.1);
    (0..partition_count(&view, topic)?).map(end).collect()
}

/// The distance from the group's committed offset, or from the first record, to the end.
fn lag(view: &BaseConsumer<KafkaLogContext>, topic: &str, partition: i32) -> Result<i64, LogError> {
    let (first, end) = view.fetch_watermarks(topic, partition, CALL_TIMEOUT)?;
    let mut asked = TopicPartitionList::new();
    asked.add_partition(topic, partition);
    let committed = view.committed_offsets(asked, CALL_TIMEOUT)?;
    let next = match committed.find_partition(topic, partition).map(|found| found.offset()) {
        Some(Offset::Offset(next)) => next.max(first),
        _ => first,
    };
    Ok(end - next)
}

/// All outcomes of a context that Kafka still keeps. Blocks.
pub fn read_outcomes(
    client: &ClientSettings,
    topics: &Topics,
    take: &mut dyn FnMut(Outcome),
) -> Result<(), LogError> {
    read_whole(client, &topics.outcomes(), &mut |message| take(outcome(message)))
}
