use std::collections::BTreeMap;

use event_log::{ClientSettings, LogError, partition_ends};
use projection::{
    Generation, PartitionOffsets,
    generations::{self, PartitionProgress},
};
use serde_json::Value;
use sqlx::{Connection, PgConnection};

use crate::{output::Output, read_models::ReadModels, settings::KafkaSettings};

#[rustfmt::skip]
const COLUMNS: [&str; 11] = [
    "database", "projection", "generation", "version", "state", "paused", "rate_limit", "partitions", "lag", "position",
    "trouble",
];

/// The end offsets of topics, by partition.
type Ends = BTreeMap<String, Vec<i64>>;

/// Prints every generation of every projection.
pub(super) async fn list(
    output: Output,
    read_models: &ReadModels,
    kafka: &KafkaSettings,
) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for read_model in read_models.find().await? {
        let mut connection = PgConnection::connect_with(&read_model.options).await?;
        let all = generations::all_generations(&mut connection).await?;
        let offsets = generations::offsets(&mut connection).await?;
        let ends = ends(&kafka.client(), &offsets).await?;
        rows.extend(all.iter().map(|generation| row(&read_model.name, generation, &offsets, &ends)));
    }
    Ok(output.print(COLUMNS, &rows)?)
}

/// Reads the end offsets of the projections' topics from Kafka.
async fn ends(client: &ClientSettings, offsets: &[PartitionProgress]) -> anyhow::Result<Ends> {
    let mut ends: Ends = offsets.iter().map(|partition| (partition.topic.clone(), Vec::new())).collect();
    let client = client.clone();
    let ends = tokio::task::spawn_blocking(move || {
        for (topic, ends) in &mut ends {
            *ends = partition_ends(&client, topic)?;
        }
        Ok::<_, LogError>(ends)
    });
    Ok(ends.await??)
}

fn row(database: &str, generation: &Generation, offsets: &[PartitionProgress], ends: &Ends) -> [Value; 11] {
    let is_own = |partition: &&PartitionProgress| {
        (&partition.projection, partition.generation) == (&generation.projection, generation.number)
    };
    let own: Vec<_> = offsets.iter().filter(is_own).collect();
    let lag: i64 = own.iter().map(|partition| lag(partition, ends)).sum();
    [
        database.into(),
        generation.projection.clone().into(),
        generation.number.into(),
        generation.version.into(),
        generation.state.to_string().into(),
        generation.paused.into(),
        generation.rate_limit.into(),
        own.len().into(),
        lag.into(),
        position(&own).into(),
        generation.trouble.clone().into(),
    ]
}

/// How many events a partition is behind. Transaction markers also have offsets: the one at the end of the partition is
/// not counted, but those before it are.
fn lag(partition: &PartitionProgress, ends: &Ends) -> i64 {
    let number = usize::try_from(partition.partition).ok();
    let end = ends.get(&partition.topic).and_then(|ends| ends.get(number?)).copied().unwrap_or_default();
    (end - partition.next_offset - 1).max(0)
}

/// The position of a generation as a consistency token.
fn position(own: &[&PartitionProgress]) -> Option<String> {
    let offsets: PartitionOffsets =
        own.iter().map(|partition| (partition.partition, partition.next_offset)).collect();
    offsets.token(&own.first()?.topic)
}
