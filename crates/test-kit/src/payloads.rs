use std::collections::{HashMap, hash_map::Entry};

use apache_avro::{Schema, reader::datum::GenericDatumReader};
use serde_json::Value;

/// Reads payloads as a third party would: with an Avro library, and the schemas from the registry.
pub struct Payloads {
    registry_url: String,
    schemas: HashMap<u32, Schema>,
}

impl Payloads {
    /// Uses the schemas of this registry.
    pub fn new(registry_url: &str) -> Self {
        Self { registry_url: registry_url.to_owned(), schemas: HashMap::new() }
    }

    /// Decodes a payload: a zero byte, the id of a schema, a datum. `None` if it is anything else.
    pub async fn read(&mut self, payload: &[u8]) -> Option<Value> {
        let (frame, mut datum) = payload.split_at_checked(5)?;
        let (0, id) = (frame[0], u32::from_be_bytes(frame[1..].try_into().ok()?)) else {
            return None;
        };
        let schema = match self.schemas.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(schema(&self.registry_url, id).await?),
        };
        let reader = GenericDatumReader::builder(schema).build().ok()?;
        reader.read_value(&mut datum).ok()?.try_into().ok()
    }
}

async fn schema(registry_url: &str, id: u32) -> Option<Schema> {
    let answer =
        reqwest::get(format!("{registry_url}/schemas/ids/{id}")).await.expect("the registry answers");
    let body: Value = answer.json().await.ok()?;
    Schema::parse_str(body["schema"].as_str()?).ok()
}
