//! The commands of {{an}} {{words}}. Each is the body of an HTTP request and the Avro record of the same name in
//! `schemas/{{context}}/commands`.

use aggregate::Message;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A command to {{an}} {{words}}.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Message)]
#[message(validate)]
#[serde(untagged)]
pub enum Command {
    /// See [`Create{{Aggregate}}`].
    Create{{Aggregate}}(Create{{Aggregate}}),
    /// See [`Rename{{Aggregate}}`].
    Rename{{Aggregate}}(Rename{{Aggregate}}),
}

/// Creates {{an}} {{words}}.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
pub struct Create{{Aggregate}} {
    /// The id of the new {{words}}, if the caller chooses one. In Kafka it is the key of the record.
    #[garde(skip)]
    #[serde(default, skip_serializing)]
    pub {{aggregate}}_id: Option<Uuid>,
    /// The name: 1 to 100 characters.
    #[garde(length(chars, min = 1, max = 100), custom(printable))]
    pub name: String,
}

/// Renames {{an}} {{words}}.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
pub struct Rename{{Aggregate}} {
    /// The new name: 1 to 100 characters.
    #[garde(length(chars, min = 1, max = 100), custom(printable))]
    pub name: String,
}

/// A single-line text. Postgres cannot store NUL, and other control characters break lines in logs.
fn printable<C>(text: &str, _: &C) -> garde::Result {
    if text.contains(char::is_control) { Err(garde::Error::new("contains a control character")) } else { Ok(()) }
}
