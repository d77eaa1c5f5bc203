use clap::Subcommand;
use event_log::{Topics as TopicNames, apply_topics, describe_topics};

use crate::{
    folders::names_in,
    output::{Output, print_line},
    settings::{KafkaSettings, SchemaSettings, TopicSettings},
};

#[derive(Subcommand)]
pub(crate) enum Topics {
    /// List the topics of every context with their partitions, replicas and retention.
    #[command(after_help = "Example:\n  foldline topics list")]
    List {
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        schemas: SchemaSettings,
        #[command(flatten)]
        kafka: KafkaSettings,
    },
    /// Create the topics that are missing, then check the configuration of all topics.
    #[command(after_help = "Example:\n  foldline topics apply --partitions 16 --shards 4 --replication 3")]
    Apply {
        #[command(flatten)]
        layout: TopicSettings,
        #[command(flatten)]
        schemas: SchemaSettings,
        #[command(flatten)]
        kafka: KafkaSettings,
    },
}

impl Topics {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { output, schemas, kafka } => list(output, &schemas, &kafka).await,
            Self::Apply { layout, schemas, kafka } => apply(&layout, &schemas, &kafka).await,
        }
    }
}

async fn list(output: Output, schemas: &SchemaSettings, kafka: &KafkaSettings) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for context in names_in(&schemas.folder)? {
        for topic in describe_topics(&kafka.client(), &kafka.topics(&context)).await? {
            rows.push([
                topic.name.into(),
                topic.partitions.into(),
                topic.replicas.into(),
                topic.in_sync.into(),
                topic.cleanup.into(),
                topic.retention_ms.into(),
            ]);
        }
    }
    Ok(output.print(["topic", "partitions", "replicas", "in_sync", "cleanup", "retention_ms"], &rows)?)
}

async fn apply(
    layout: &TopicSettings,
    schemas: &SchemaSettings,
    kafka: &KafkaSettings,
) -> anyhow::Result<()> {
    let shards = layout.shards()?;
    for context in names_in(&schemas.folder)? {
        let topics: TopicNames = kafka.topics(&context);
        apply_topics(&kafka.client(), &topics, shards, layout.replication).await?;
        let (partitions, count) = (shards.partitions(), shards.count());
        let noun = if count == 1 { "shard" } else { "shards" };
        print_line(format!("topics of {context}: {partitions} partitions in {count} {noun}, all set up"))?;
    }
    Ok(())
}
