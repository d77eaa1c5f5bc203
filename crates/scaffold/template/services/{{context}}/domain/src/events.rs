//! The events of {{an}} {{words}}. Each is the Avro record of the same name in `schemas/{{context}}/events`.
//!
//! Events are public and kept forever. Fields are only ever added, with `#[serde(default)]` here and a default in the
//! next version of the schema.

use aggregate::Message;
use serde::{Deserialize, Serialize};

/// An event of {{an}} {{words}}.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Message)]
#[serde(untagged)]
pub enum Event {
    /// See [`{{Aggregate}}Created`].
    {{Aggregate}}Created({{Aggregate}}Created),
    /// See [`{{Aggregate}}Renamed`].
    {{Aggregate}}Renamed({{Aggregate}}Renamed),
}

/// It was created: the first event of every {{words}}.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct {{Aggregate}}Created {
    /// The name.
    pub name: String,
}

/// It was renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct {{Aggregate}}Renamed {
    /// The new name.
    pub name: String,
}
