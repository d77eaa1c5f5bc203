//! `schemas/schemas.lock`, which records the published schemas. See `crates/event-log/tests/schemas.rs`.

use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};

/// The lock's line of a schema: its path in `schemas/` and its fingerprint.
pub(crate) fn line(path: &Path, schema: &str) -> anyhow::Result<String> {
    let mut meaning = without_docs(&serde_json::from_str(schema)?);
    meaning.sort_all_objects();
    Ok(format!("{} sha256:{:x}", path.display(), Sha256::digest(meaning.to_string())))
}

/// Removes the documentation, the only part of a published schema that may change.
fn without_docs(schema: &Value) -> Value {
    match schema {
        Value::Array(schemas) => schemas.iter().map(without_docs).collect(),
        Value::Object(attributes) => {
            let kept = attributes.iter().filter(|(name, _)| *name != "doc");
            kept.map(|(name, value)| (name.clone(), without_docs(value))).collect()
        }
        other => other.clone(),
    }
}
