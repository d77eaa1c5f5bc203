//! What has happened to {{an}} {{words}}. Each event is the Avro record of the same name in `schemas/{{context}}/events`.
//!
//! Events are public and kept for ever. A field is only ever added, with `#[serde(default)]` here and a default in the next
//! version of the schema.

use aggregate::Message;
use serde::{Deserialize, Serialize};

/// A fact about {{an}} {{words}}.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Message)]
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
