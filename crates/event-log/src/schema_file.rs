use std::collections::{BTreeMap, HashMap};

use apache_avro::{Schema, schema::RecordSchema};

/// One published version of a message's schema: the text of `schemas/<context>/events/<event>/v<n>.avsc` or
/// `schemas/<context>/commands/<command>/v<n>.avsc`.
#[derive(Debug, Clone, Copy)]
pub struct SchemaFile {
    /// The version, from 1, as in the file's name.
    pub version: u32,
    /// The schema itself, as JSON.
    pub text: &'static str,
}

impl SchemaFile {
    /// This version of a schema: `SchemaFile::new(1, include_str!("…/v1.avsc"))`.
    pub const fn new(version: u32, text: &'static str) -> Self {
        Self { version, text }
    }
}

/// A schema file is invalid.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSchemaFile {
    /// It is not an Avro schema.
    #[error("not an avro schema: {0}")]
    Avro(#[from] Box<apache_avro::Error>),
    /// It is not the schema of a record.
    #[error("a message's schema is a record")]
    NotARecord,
    /// Two messages have the same name in different namespaces. A message is read by its name alone, so the names must
    /// differ, also between several kinds of aggregates in one context.
    #[error("{0} and {1} have the same name")]
    SameName(String, String),
}

/// All versions of one message, parsed, oldest first.
pub(crate) type Versions = Vec<(&'static str, Schema)>;

/// Parses schema files and groups the versions of each message by its full name.
pub(crate) fn by_message(files: &[SchemaFile]) -> Result<BTreeMap<String, Versions>, InvalidSchemaFile> {
    let mut sorted = files.to_vec();
    sorted.sort_by_key(|file| file.version);
    let mut messages = BTreeMap::<String, Versions>::new();
    for file in sorted {
        let schema = Schema::parse_str(file.text).map_err(Box::new)?;
        messages.entry(full_name(&schema)?).or_default().push((file.text, schema));
    }
    require_different_names(messages.keys())?;
    Ok(messages)
}

fn require_different_names<'a>(
    full_names: impl Iterator<Item = &'a String>,
) -> Result<(), InvalidSchemaFile> {
    let mut seen = HashMap::new();
    for full_name in full_names {
        let name = full_name.rsplit('.').next().unwrap_or_default();
        if let Some(other) = seen.insert(name, full_name) {
            return Err(InvalidSchemaFile::SameName(other.clone(), full_name.clone()));
        }
    }
    Ok(())
}

/// The name of a record with its namespace.
pub(crate) fn full_name(schema: &Schema) -> Result<String, InvalidSchemaFile> {
    match schema {
        Schema::Record(RecordSchema { name, .. }) => Ok(name.fullname(None)),
        _ => Err(InvalidSchemaFile::NotARecord),
    }
}

#[cfg(test)]
mod tests {
    use super::{InvalidSchemaFile, SchemaFile, by_message};

    #[test]
    fn two_messages_of_a_topic_cannot_have_the_same_name() {
        let opened = |text| SchemaFile { version: 1, text };
        let files = [
            opened(r#"{"type": "record", "namespace": "bank.account", "name": "Opened", "fields": []}"#),
            opened(r#"{"type": "record", "namespace": "bank.card", "name": "Opened", "fields": []}"#),
        ];
        let error = by_message(&files).map(drop).unwrap_err();
        assert!(matches!(error, InvalidSchemaFile::SameName(_, _)), "{error}");
    }
}
