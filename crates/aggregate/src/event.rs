use serde::{Serialize, de::DeserializeOwned};

/// The facts of one kind of aggregate, usually an enum with a struct in each variant.
///
/// `Serialize` must write the inner struct alone (`#[serde(untagged)]`): the type's name travels beside the
/// payload, in the headers and in the schema.
pub trait Event: Serialize + Clone + Send + Sync + 'static {
    /// The name of the fact, which is also the name of its schema: `OrderPlaced`.
    fn event_type(&self) -> &'static str;

    /// Reads a fact back by its name; `None` for a name that is not one of these.
    fn decode<P: Payload>(event_type: &str, payload: P) -> Result<Option<Self>, P::Error>;
}

/// The bytes of an event, ready to be read into the type that its name calls for.
pub trait Payload {
    /// Why the bytes could not be read.
    type Error;

    /// Reads the payload as `T`.
    fn read<T: DeserializeOwned>(self) -> Result<T, Self::Error>;
}
