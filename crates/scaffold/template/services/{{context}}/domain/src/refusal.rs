//! Why {{an}} {{words}} refuses a command. Wrong values never come this far: see [`commands`](crate::commands).

use serde::Serialize;
use thiserror::Error;

/// Why a command is refused: a stable code and a sentence for the caller.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize)]
// Without a tag the facts stand alone, and `{}` after a name makes "no facts" an empty map instead of null.
#[serde(untagged)]
pub enum Refusal {
    /// It exists already.
    #[error("the {{words}} exists already")]
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
