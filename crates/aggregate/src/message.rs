use serde::{Serialize, de::DeserializeOwned};

/// The messages of one kind that are written to Kafka: the events of an aggregate, or its commands.
///
/// Usually they are an enum with one struct in each variant, and the trait is derived. The name of a variant is the name of
/// its message, and `#[serde(untagged)]` makes `Serialize` write only the struct, because the name of the message is in the
/// headers and in the schema:
///
/// ```
/// use aggregate::Message;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Clone, PartialEq, Serialize, Message)]
/// #[serde(untagged)]
/// enum Event {
///     DoorLocked(DoorLocked),
///     DoorOpened(DoorOpened),
/// }
///
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// struct DoorLocked {}
///
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
/// struct DoorOpened {
///     by: String,
/// }
///
/// let opened = Event::DoorOpened(DoorOpened { by: "Ada".to_owned() });
/// assert_eq!(opened.message_type(), "DoorOpened");
/// ```
///
/// Commands come from outside and are validated. With `#[message(validate)]`, the derive also implements `garde::Validate`:
/// a command is valid if its struct is, and the path of an error begins in the struct.
///
/// ```
/// # use aggregate::Message;
/// # use serde::{Deserialize, Serialize};
/// use garde::Validate;
///
/// #[derive(Debug, Clone, PartialEq, Serialize, Message)]
/// #[message(validate)]
/// #[serde(untagged)]
/// enum Command {
///     OpenDoor(OpenDoor),
/// }
///
/// #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
/// struct OpenDoor {
///     #[garde(length(min = 1))]
///     by: String,
/// }
///
/// let anonymous = Command::OpenDoor(OpenDoor { by: String::new() });
/// let errors = anonymous.validate().unwrap_err();
/// assert_eq!(errors.to_string(), "by: length is lower than 1\n");
/// ```
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
