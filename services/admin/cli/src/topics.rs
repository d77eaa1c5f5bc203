use event_log::{Topics, apply_topics, describe_topics};

use crate::{folders::names_in, output::Output, settings::LogSettings};

/// Creates the topics of every context.
pub(crate) async fn apply(settings: &LogSettings) -> anyhow::Result<()> {
    for context in names_in(&settings.schemas)? {
        let topics = Topics::new(&settings.topic_prefix, &context);
        apply_topics(&settings.client(), &topics, settings.partitions, settings.replication).await?;
        println!("topics of {context}: {} partitions each, as they must be", settings.partitions);
    }
    Ok(())
}

/// Prints how the topics of every context are set up.
pub(crate) async fn describe(settings: &LogSettings) -> anyhow::Result<()> {
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
    Output::Table.print(["topic", "partitions", "replicas", "in_sync", "cleanup", "retention_ms"], &rows);
    Ok(())
}
