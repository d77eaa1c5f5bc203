//! What can be asked of {{an}} {{words}}. Each command is the body of an HTTP request and the Avro record of the same name in
//! `schemas/{{context}}/commands`.

use aggregate::Payload;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A request to {{an}} {{words}}.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
    /// The id of the new {{words}}, if the caller chooses it. In Kafka it is the key of the record.
    #[garde(skip)]
    #[serde(default, skip_serializing)]
    pub {{aggregate}}_id: Option<Uuid>,
    /// What it is called: 1 to 100 characters.
    #[garde(length(chars, min = 1, max = 100), custom(printable))]
    pub name: String,
}

/// Gives {{an}} {{words}} another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
pub struct Rename{{Aggregate}} {
    /// What it is called from now on: 1 to 100 characters.
    #[garde(length(chars, min = 1, max = 100), custom(printable))]
    pub name: String,
}

/// A text in one line. Postgres cannot store NUL, and other control characters break lines in logs.
fn printable<C>(text: &str, _: &C) -> garde::Result {
    if text.contains(char::is_control) { Err(garde::Error::new("contains a control character")) } else { Ok(()) }
}

impl Validate for Command {
    type Context = ();

    fn validate_into(&self, (): &(), path: &mut dyn FnMut() -> garde::Path, report: &mut garde::Report) {
        match self {
            Self::Create{{Aggregate}}(command) => command.validate_into(&(), path, report),
            Self::Rename{{Aggregate}}(command) => command.validate_into(&(), path, report),
        }
    }
}

impl aggregate::Message for Command {
    fn message_type(&self) -> &'static str {
        match self {
            Self::Create{{Aggregate}}(_) => "Create{{Aggregate}}",
            Self::Rename{{Aggregate}}(_) => "Rename{{Aggregate}}",
        }
    }

    fn decode<P: Payload>(command_type: &str, payload: P) -> Result<Option<Self>, P::Error> {
        Ok(Some(match command_type {
            "Create{{Aggregate}}" => Self::Create{{Aggregate}}(payload.read()?),
            "Rename{{Aggregate}}" => Self::Rename{{Aggregate}}(payload.read()?),
            _ => return Ok(None),
        }))
    }
}
