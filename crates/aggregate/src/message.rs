use serde::{Serialize, de::DeserializeOwned};

/// The messages of one kind that are written to Kafka, usually an enum with one struct per variant: the events of an
/// aggregate, or its commands.
///
/// `Serialize` must write only the inner struct (`#[serde(untagged)]`): the name of the message is in the headers and in
/// the schema.
pub trait Message: Serialize + Clone + Send + Sync + 'static {
    /// The name of the message, which is also the name of its schema: `OrderPlaced`, `PlaceOrder`.
    fn message_type(&self) -> &'static str;

    /// Reads a message back by its name; `None` for a name that is not one of these.
    fn decode<P: Payload>(message_type: &str, payload: P) -> Result<Option<Self>, P::Error>;
}

/// The bytes of a message, to be read into the type that belongs to its name.
pub trait Payload {
    /// Why the bytes could not be read.
    type Error;

    /// Reads the payload as `T`.
    fn read<T: DeserializeOwned>(self) -> Result<T, Self::Error>;
}
