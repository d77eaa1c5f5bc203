//! What has happened to {{an}} {{words}}. Each event is the Avro record of the same name in `schemas/{{context}}/events`.
//!
//! Events are public and kept for ever. A field is only ever added, with `#[serde(default)]` here and a default in the next
//! version of the schema.

use aggregate::Payload;
use serde::{Deserialize, Serialize};

/// A fact about {{an}} {{words}}.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Event {
    /// See [`{{Aggregate}}Created`].
    {{Aggregate}}Created({{Aggregate}}Created),
    /// See [`{{Aggregate}}Renamed`].
    {{Aggregate}}Renamed({{Aggregate}}Renamed),
}

/// It exists: the first event of every {{words}}.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct {{Aggregate}}Created {
    /// What it is called.
    pub name: String,
}

/// It has another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct {{Aggregate}}Renamed {
    /// What it is called from now on.
    pub name: String,
}

impl aggregate::Message for Event {
    fn message_type(&self) -> &'static str {
        match self {
            Self::{{Aggregate}}Created(_) => "{{Aggregate}}Created",
            Self::{{Aggregate}}Renamed(_) => "{{Aggregate}}Renamed",
        }
    }

    fn decode<P: Payload>(event_type: &str, payload: P) -> Result<Option<Self>, P::Error> {
        Ok(Some(match event_type {
            "{{Aggregate}}Created" => Self::{{Aggregate}}Created(payload.read()?),
            "{{Aggregate}}Renamed" => Self::{{Aggregate}}Renamed(payload.read()?),
            _ => return Ok(None),
        }))
    }
}
