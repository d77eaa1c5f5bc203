use anyhow::ensure;
use clap::Subcommand;
use event_log::{
    KafkaLayout, Layout, LogError, PartitionSurvey, ShardSurvey, Shards as Division, change_layout,
    survey_shards,
};
use serde_json::Value;
use tokio::{runtime::Handle, task::spawn_blocking};

use crate::{
    output::print_line,
    settings::{Context, ContextList, KafkaSettings},
};

#[derive(Subcommand)]
pub(crate) enum Shards {
    /// List the shards of a context with their owners, their partitions and the commands that wait in Kafka.
    #[command(after_help = "Example:\n  foldline shards list orders")]
    List(ContextList),
    /// Change the number of shards of a context, whose command API must be stopped.
    #[command(after_help = "Example:\n  foldline shards set orders 4")]
    Set {
        #[command(flatten)]
        context: Context,
        /// The new number of shards, at most the number of partitions.
        #[arg(value_parser = clap::value_parser!(i32).range(1..))]
        shards: i32,
        #[command(flatten)]
        kafka: KafkaSettings,
    },
}

impl Shards {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(list) => list_shards(list).await,
            Self::Set { context, shards, kafka } => set(context.name, shards, kafka).await,
        }
    }
}

async fn list_shards(list: ContextList) -> anyhow::Result<()> {
    let ContextList { context, output, kafka } = list;
    let (client, topics) = (kafka.client(), kafka.topics(&context.name));
    let surveys = spawn_blocking(move || survey_shards(&client, &topics)).await?;
    let surveys = surveys.map_err(|error| kafka.unreadable(&context.name, error))?;
    let rows: Vec<_> = surveys.iter().flat_map(rows).collect();
    Ok(output.print(["shard", "owner", "epoch", "partition", "end", "commands_lag"], &rows)?)
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

async fn set(context: String, shards: i32, kafka: KafkaSettings) -> anyhow::Result<()> {
    let (client, topics) = (kafka.client(), kafka.topics(&context));
    let runtime = Handle::current();
    let open = move || KafkaLayout::open(&client, &topics, &runtime);
    let changing = spawn_blocking(move || change(&mut open()?, shards)).await?;
    let Layout { number, .. } = changing.map_err(|error| match error.downcast() {
        Ok(error) => kafka.unreadable(&context, error),
        Err(error) => error,
    })?;
    let noun = if shards == 1 { "shard" } else { "shards" };
    Ok(print_line(format!(
        "{context} has {shards} {noun} (layout {number}): \
         start its command API with FOLDLINE_SHARDS={shards}"
    ))?)
}

/// Running instances are no danger: they are fenced. But they would not answer commands until they are started anew.
fn change(layout: &mut KafkaLayout, shards: i32) -> anyhow::Result<Layout> {
    let instances = layout.instances()?;
    ensure!(
        instances == 0,
        "{instances} instances of the command API are running, or were running seconds ago; stop them first"
    );
    Division::new(layout.partitions()?, shards).map_err(LogError::from)?;
    Ok(change_layout(layout, shards)?)
}
