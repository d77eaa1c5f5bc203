use std::collections::BTreeMap;

use event_log::{ClientSettings, LogError, partition_ends};
use projection::{
    Generation, PartitionOffsets,
    generations::{self, PartitionProgress},
};
use serde_json::Value;
use sqlx::{Connection, PgConnection};

use crate::{
    databases::with_projections,
    output::Output,
    settings::{DatabaseSettings, LogSettings},
};

const COLUMNS: [&str; 9] =
    ["projection", "generation", "version", "state", "paused", "rate_limit", "partitions", "lag", "position"];

/// The ends of every topic that is asked about, by partition.
type Ends = BTreeMap<String, Vec<i64>>;

/// Prints every generation of every projection.
pub(super) async fn list(
    output: Output,
    databases: &DatabaseSettings,
    log: &LogSettings,
) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for database in with_projections(databases).await? {
        let mut connection = PgConnection::connect_with(&database).await?;
        let all = generations::all_generations(&mut connection).await?;
        let stands = generations::offsets(&mut connection).await?;
        let ends = ends(&log.client(), &stands).await?;
        rows.extend(all.iter().map(|generation| row(generation, &stands, &ends)));
    }
    output.print(COLUMNS, &rows);
    Ok(())
}

/// Asks Kafka for the ends of the topics that are read.
async fn ends(client: &ClientSettings, stands: &[PartitionProgress]) -> anyhow::Result<Ends> {
    let mut ends: Ends = stands.iter().map(|stand| (stand.topic.clone(), Vec::new())).collect();
    let client = client.clone();
    let asking = tokio::task::spawn_blocking(move || {
        for (topic, ends) in &mut ends {
            *ends = partition_ends(&client, topic)?;
        }
        Ok::<_, LogError>(ends)
    });
    Ok(asking.await??)
}

fn row(generation: &Generation, stands: &[PartitionProgress], ends: &Ends) -> [Value; 9] {
    let is_own = |stand: &&PartitionProgress| {
        (&stand.projection, stand.generation) == (&generation.projection, generation.number)
    };
    let own: Vec<_> = stands.iter().filter(is_own).collect();
    let lag: i64 = own.iter().map(|stand| lag(stand, ends)).sum();
    [
        generation.projection.clone().into(),
        generation.number.into(),
        generation.version.into(),
        generation.state.to_string().into(),
        generation.paused.into(),
        generation.rate_limit.into(),
        own.len().into(),
        lag.into(),
        position(&own).into(),
    ]
}

/// How many events are still to come in a partition. The markers at the end of transactions take offsets, too: the one
/// at the very end is left out, those before it are not.
fn lag(stand: &PartitionProgress, ends: &Ends) -> i64 {
    let partition = usize::try_from(stand.partition).ok();
    let end = ends.get(&stand.topic).and_then(|ends| ends.get(partition?)).copied().unwrap_or_default();
    (end - stand.next_offset - 1).max(0)
}

/// As in a consistency token.
fn position(own: &[&PartitionProgress]) -> Option<String> {
    let stand: PartitionOffsets = own.iter().map(|stand| (stand.partition, stand.next_offset)).collect();
    stand.token(&own.first()?.topic)
}
