//! Records which ids the registry gave to the schemas of a context, so that a service can start while the registry does not
//! answer. The registry decides on ids; a record only repeats what it said.

use std::collections::BTreeMap;

use rdkafka::{Message, producer::FutureRecord};
use serde::{Deserialize, Serialize};

use super::{
    client::ClientSettings,
    command_writer::{QUEUE_TIMEOUT, producer},
    whole_topic::read_whole,
};
use crate::{LogError, Topics};

/// A schema that is in the registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredSchema {
    /// The subject under which it is registered.
    pub subject: String,
    /// The version of its file, from 1.
    pub version: usize,
    /// Its id in the registry.
    pub id: u32,
    /// The schema itself, as JSON.
    pub schema: String,
}

/// The schemas of a context with the ids that were recorded last. Any other record in the topic proves nothing. Blocks.
pub fn read_schema_ids(client: &ClientSettings, topics: &Topics) -> Result<Vec<RegisteredSchema>, LogError> {
    let mut newest = BTreeMap::new();
    read_whole(client, &topics.schemas(), &mut |message| {
        let json = message.payload().unwrap_or_default();
        if let Ok(schema) = serde_json::from_slice::<RegisteredSchema>(json) {
            newest.insert((schema.subject.clone(), schema.version), schema);
        }
    })?;
    Ok(newest.into_values().collect())
}

/// Records schemas. Recording one again is harmless.
pub async fn record_schema_ids(
    client: &ClientSettings,
    topics: &Topics,
    schemas: &[RegisteredSchema],
) -> Result<(), LogError> {
    let (producer, topic) = (producer(client)?, topics.schemas());
    for schema in schemas {
        let key = format!("{}/v{}", schema.subject, schema.version);
        let json = serde_json::to_vec(schema).expect("a schema is plain JSON");
        let record = FutureRecord::to(&topic).partition(0).key(&key).payload(&json);
        producer.send(record, QUEUE_TIMEOUT).await.map_err(|(error, _)| error)?;
    }
    Ok(())
}
