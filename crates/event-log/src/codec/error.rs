use crate::{InvalidSchemaFile, RegistryError};

/// A message could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// A schema file cannot be used.
    #[error(transparent)]
    SchemaFile(#[from] InvalidSchemaFile),
    /// The registry did not help.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The bytes, or the value, do not fit the schema.
    #[error("avro: {0}")]
    Avro(#[from] Box<apache_avro::Error>),
    /// There is no schema for this type of message.
    #[error("no schema for a message of type {0}")]
    UnknownType(String),
    /// The schema that the payload was written with is not to be had.
    #[error("the registry has no avro schema with the id {0}")]
    UnknownSchema(u32),
    /// The payload does not begin with a magic byte and a schema id.
    #[error("the payload is not framed")]
    NotFramed,
    /// The payload goes on after its datum.
    #[error("{0} bytes follow the datum")]
    TrailingBytes(usize),
    /// The schema of the payload is of another type than the headers say.
    #[error("the payload is a {found}, the headers say {expected}")]
    OtherType {
        /// The type that the headers name.
        expected: String,
        /// The type that the schema names.
        found: &'static str,
    },
}

impl CodecError {
    /// Whether trying again can help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Registry(error) if error.is_transient())
    }

    /// Whether it is the message's own fault; otherwise it may be read as soon as the registry answers again.
    pub fn is_of_the_message(&self) -> bool {
        !matches!(self, Self::Registry(_) | Self::SchemaFile(_))
    }
}
