use std::collections::BTreeMap;

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

/// A schema file is invalid.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSchemaFile {
    /// It is not an Avro schema.
    #[error("not an avro schema: {0}")]
    Avro(#[from] Box<apache_avro::Error>),
    /// It is not the schema of a record.
    #[error("a message's schema is a record")]
    NotARecord,
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
    Ok(messages)
}

/// The full name of a record, with its namespace.
pub(crate) fn full_name(schema: &Schema) -> Result<String, InvalidSchemaFile> {
    match schema {
        Schema::Record(RecordSchema { name, .. }) => Ok(name.fullname(None)),
        _ => Err(InvalidSchemaFile::NotARecord),
    }
}
