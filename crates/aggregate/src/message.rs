use serde::{Serialize, de::DeserializeOwned};

/// The messages of one kind that travel through Kafka, usually an enum with a struct in each variant: the events of an
/// aggregate, or the commands it can be sent.
///
/// `Serialize` must write the inner struct alone (`#[serde(untagged)]`): the type's name travels beside the
/// payload, in the headers and in the schema.
pub trait Message: Serialize + Clone + Send + Sync + 'static {
    /// The name of the message, which is also the name of its schema: `OrderPlaced`, `PlaceOrder`.
    fn message_type(&self) -> &'static str;

    /// Reads a message back by its name; `None` for a name that is not one of these.
    fn decode<P: Payload>(message_type: &str, payload: P) -> Result<Option<Self>, P::Error>;
}

/// The bytes of a message, ready to be read into the type that its name calls for.
pub trait Payload {
    /// Why the bytes could not be read.
    type Error;

    /// Reads the payload as `T`.
    fn read<T: DeserializeOwned>(self) -> Result<T, Self::Error>;
}
