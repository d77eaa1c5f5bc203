use clap::Subcommand;
use event_log::{PartitionSurvey, ShardSurvey, survey_shards};
use serde_json::Value;
use tokio::task::spawn_blocking;

use crate::settings::ContextList;

#[derive(Subcommand)]
pub(crate) enum Shards {
    /// List the shards of a context with their owners, their partitions and the commands that wait in Kafka.
    #[command(after_help = "Example:\n  foldline shards list orders")]
    List(ContextList),
}

impl Shards {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let Self::List(ContextList { context, output, kafka }) = self;
        let (client, topics) = (kafka.client(), kafka.topics(&context.name));
        let surveys = spawn_blocking(move || survey_shards(&client, &topics)).await?;
        let surveys = surveys.map_err(|error| kafka.unreadable(&context.name, error))?;
        let rows: Vec<_> = surveys.iter().flat_map(rows).collect();
        Ok(output.print(["shard", "owner", "epoch", "partition", "end", "commands_lag"], &rows)?)
    }
}

/// A row for each partition of a shard.
fn rows(survey: &ShardSurvey) -> impl Iterator<Item = [Value; 6]> {
    let ShardSurvey { shard, owner, partitions } = survey;
    partitions.iter().map(move |PartitionSurvey { partition, end, commands_lag }| {
        let (address, epoch) = owner.as_ref().map(|owner| (owner.address.clone(), owner.epoch)).unzip();
        let (shard, partition) = ((*shard).into(), (*partition).into());
        [shard, address.into(), epoch.into(), partition, (*end).into(), (*commands_lag).into()]
    })
}
