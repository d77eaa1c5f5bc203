#![expect(clippy::disallowed_methods, reason = "it runs among the blocking tasks")]

use aggregate::AggregateId;
use event_log::{Codec, Envelope, LogError, Registry, Topics, partition_of, read_partition};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use crate::settings::LogSettings;

/// Prints the history of one aggregate, as it stands in the log.
pub(crate) async fn history(context: &str, aggregate: &str, settings: &LogSettings) -> anyhow::Result<()> {
    let id = AggregateId::try_from(aggregate)?;
    let topic = Topics::new(&settings.topic_prefix, context).events();
    let partition = partition_of(&id, settings.partitions);
    let codec = Codec::reading(Registry::new(&settings.registry_url)?);
    let client = settings.client();
    tokio::task::spawn_blocking(move || {
        read_partition(&client, &topic, partition, 0, &mut |recorded| {
            if recorded.envelope.aggregate_id == id {
                let payload =
                    codec.read_json(&recorded).map_err(|source| LogError::unreadable(&recorded, source))?;
                println!("{}", line(&recorded.envelope, &recorded.position.to_string(), &payload));
            }
            Ok(())
        })
    })
    .await??;
    Ok(())
}

fn line(envelope: &Envelope, position: &str, payload: &Value) -> Value {
    let metadata = &envelope.metadata;
    json!({
        "position": position,
        "type": envelope.event_type,
        "id": envelope.event_id,
        "time": envelope.time.format(&Rfc3339).ok(),
        "aggregate_id": envelope.aggregate_id.as_str(),
        "aggregate_version": envelope.version,
        "command_id": metadata.command_id,
        "correlation_id": metadata.correlation_id,
        "actor": metadata.actor,
        "owner_epoch": envelope.owner_epoch,
        "partition_sequence": envelope.partition_sequence,
        "payload": payload,
    })
}
