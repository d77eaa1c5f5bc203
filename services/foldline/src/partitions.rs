use event_log::{PartitionSurvey, Topics, survey_partitions};
use serde_json::Value;

use crate::{output::Output, settings::LogSettings};

/// Prints who owns each partition of a context, and how far it is.
pub(crate) async fn list(context: &str, output: Output, settings: &LogSettings) -> anyhow::Result<()> {
    let (client, topics) = (settings.client(), Topics::new(&settings.topic_prefix, context));
    let surveys = tokio::task::spawn_blocking(move || survey_partitions(&client, &topics)).await??;
    let rows: Vec<_> = surveys.into_iter().map(row).collect();
    output.print(["partition", "owner", "epoch", "end", "commands_lag"], &rows);
    Ok(())
}

fn row(survey: PartitionSurvey) -> [Value; 5] {
    let PartitionSurvey { partition, owner, end, commands_lag } = survey;
    let (address, epoch) = owner.map(|owner| (owner.address, owner.epoch)).unzip();
    [partition.into(), address.into(), epoch.into(), end.into(), commands_lag.into()]
}
