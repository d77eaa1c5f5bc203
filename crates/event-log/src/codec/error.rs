use crate::{InvalidSchemaFile, RegistryError};

/// A message could not be encoded or decoded.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// A schema file is invalid.
    #[error(transparent)]
    SchemaFile(#[from] InvalidSchemaFile),
    /// The registry failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The bytes, or the value, do not match the schema.
    #[error("avro: {0}")]
    Avro(#[from] Box<apache_avro::Error>),
    /// There is no schema for this message type.
    #[error("no schema for a message of type {0}")]
    UnknownType(String),
    /// The registry does not have the schema that the payload was written with.
    #[error("the registry has no avro schema with the id {0}")]
    UnknownSchema(u32),
    /// The schema that the payload was written with is not loaded yet.
    #[error("the schema with the id {0} is being fetched from the registry")]
    NotLoaded(u32),
    /// The payload does not begin with a magic byte and a schema id.
    #[error("the payload is not framed")]
    NotFramed,
    /// Bytes follow the datum.
    #[error("{0} bytes follow the datum")]
    TrailingBytes(usize),
    /// The payload's schema is for another type than the headers name.
    #[error("the payload is a {found}, the headers say {expected}")]
    OtherType {
        /// The type that the headers name.
        expected: String,
        /// The type that the schema names.
        found: &'static str,
    },
}

impl CodecError {
    /// Whether a retry can help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Registry(error) => error.is_transient(),
            Self::NotLoaded(_) => true,
            _ => false,
        }
    }

    /// Whether the message itself is at fault. If not, it may be readable once the registry answers again.
    pub fn is_of_the_message(&self) -> bool {
        !matches!(self, Self::Registry(_) | Self::NotLoaded(_) | Self::SchemaFile(_))
    }
}
