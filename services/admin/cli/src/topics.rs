use event_log::{Topics, apply_topics};

use crate::{folders::names_in, settings::LogSettings};

/// Creates the topics of every context.
pub(crate) async fn apply(settings: &LogSettings) -> anyhow::Result<()> {
    for context in names_in(&settings.schemas)? {
        let topics = Topics::new(&settings.topic_prefix, &context);
        apply_topics(&settings.client(), &topics, settings.partitions, settings.replication).await?;
        println!("topics of {context}: {} partitions each, as they must be", settings.partitions);
    }
    Ok(())
}
