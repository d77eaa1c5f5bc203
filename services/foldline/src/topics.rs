use event_log::{Topics, apply_topics, describe_topics};

use crate::{
    folders::names_in,
    output::Output,
    settings::{LogSettings, TopicSettings},
};

/// Creates the topics of every context.
pub(crate) async fn apply(layout: &TopicSettings, settings: &LogSettings) -> anyhow::Result<()> {
    for context in names_in(&settings.schemas)? {
        let topics = Topics::new(&settings.topic_prefix, &context);
        apply_topics(&settings.client(), &topics, layout.partitions, layout.replication).await?;
        println!("topics of {context}: {} partitions each, as they must be", layout.partitions);
    }
    Ok(())
}

/// Prints how the topics of every context are set up.
pub(crate) async fn describe(output: Output, settings: &LogSettings) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for context in names_in(&settings.schemas)? {
        let topics = Topics::new(&settings.topic_prefix, &context);
        for topic in describe_topics(&settings.client(), &topics).await? {
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
    output.print(["topic", "partitions", "replicas", "in_sync", "cleanup", "retention_ms"], &rows);
    Ok(())
}
