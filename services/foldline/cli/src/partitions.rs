use clap::Subcommand;
use event_log::{PartitionSurvey, survey_partitions};
use serde_json::Value;
use tokio::task::spawn_blocking;

use crate::{
    output::Output,
    settings::{Context, KafkaSettings},
};

#[derive(Subcommand)]
pub(crate) enum Partitions {
    /// List the partitions of a context with their owners, their ends and the commands that wait in Kafka.
    #[command(after_help = "Example:\n  foldline partitions list orders")]
    List {
        #[command(flatten)]
        context: Context,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        kafka: KafkaSettings,
    },
}

impl Partitions {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let Self::List { context, output, kafka } = self;
        let (client, topics) = (kafka.client(), kafka.topics(&context.name));
        let surveys = spawn_blocking(move || survey_partitions(&client, &topics)).await?;
        let surveys = surveys.map_err(|error| kafka.unreadable(&context.name, error))?;
        let rows: Vec<_> = surveys.into_iter().map(row).collect();
        Ok(output.print(["partition", "owner", "epoch", "end", "commands_lag"], &rows)?)
    }
}

fn row(survey: PartitionSurvey) -> [Value; 5] {
    let PartitionSurvey { partition, owner, end, commands_lag } = survey;
    let (address, epoch) = owner.map(|owner| (owner.address, owner.epoch)).unzip();
    [partition.into(), address.into(), epoch.into(), end.into(), commands_lag.into()]
}
