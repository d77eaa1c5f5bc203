//! Why {{an}} {{words}} refuses a command. Invalid values are refused earlier: see [`commands`](crate::commands).

use serde::Serialize;
use thiserror::Error;

/// Why a command is refused: a stable code and a sentence for the caller.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize)]
// Without a tag, only the fields are serialised; `{}` after a name makes a refusal without fields an empty map, not
// null.
#[serde(untagged)]
pub enum Refusal {
    /// It already exists.
    #[error("the {{words}} already exists")]
    {{Aggregate}}AlreadyExists {},
    /// It does not exist.
    #[error("there is no such {{words}}")]
    {{Aggregate}}NotFound {},
}

impl aggregate::Refusal for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Self::{{Aggregate}}AlreadyExists {} => "{{code}}-already-exists",
            Self::{{Aggregate}}NotFound {} => "{{code}}-not-found",
        }
    }
}
