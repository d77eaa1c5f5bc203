//! The outcome of a command, reported in an answer or in the outcomes topic.

use aggregate::Version;
use command_engine::{Accepted, CommandError};
use serde_json::Value;
use uuid::Uuid;

use crate::account::Refusal;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    Accepted(AcceptedOutcome),
    /// The code of the refusal.
    Refused(String),
    /// The version of the aggregate.
    Mismatch(u64),
    IdReused,
    /// Nothing was written, and nothing will be.
    NotWritten,
    Unknown,
    /// The record is not a valid command.
    Unreadable,
}

/// The reported outcome of an accepted command.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AcceptedOutcome {
    pub(crate) version: u64,
    pub(crate) events: Vec<(String, Uuid)>,
    /// The partition and offset of its last event.
    pub(crate) position: Option<(i32, i64)>,
}

impl Outcome {
    /// Whether a client has no reason to send the command again.
    pub(crate) fn is_final(&self) -> bool {
        !matches!(self, Self::NotWritten | Self::Unknown)
    }

    /// Whether this attempt may have written events.
    pub(crate) fn may_have_written(&self) -> bool {
        matches!(self, Self::Accepted(_) | Self::Unknown)
    }

    pub(crate) fn of_answer(answer: Result<Accepted, CommandError<Refusal>>) -> Self {
        match answer {
            Ok(accepted) => Self::Accepted(AcceptedOutcome {
                version: accepted.version.0,
                events: accepted.events.iter().map(|event| (event.event_type.to_owned(), event.id)).collect(),
                position: accepted.position.map(|position| (position.partition, position.offset)),
            }),
            Err(CommandError::Refused(refusal)) => {
                Self::Refused(aggregate::Refusal::code(&refusal).to_owned())
            }
            Err(CommandError::VersionMismatch { current: Version(current) }) => Self::Mismatch(current),
            Err(CommandError::IdReused) => Self::IdReused,
            Err(CommandError::OutcomeUnknown) => Self::Unknown,
            Err(
                error @ (CommandError::Broken | CommandError::EventTooLarge | CommandError::Unwritable(_)),
            ) => panic!("{error}"),
            Err(_) => Self::NotWritten,
        }
    }

    pub(crate) fn of_outcome(document: &[u8]) -> Self {
        let outcome: Value = serde_json::from_slice(document).unwrap();
        if outcome["status"] == "accepted" {
            let event =
                |event: &Value| (text(&event["type"]), event["id"].as_str().unwrap().parse().unwrap());
            let position = |position: &Value| {
                let partition = i32::try_from(position["partition"].as_i64()?).ok()?;
                Some((partition, position["offset"].as_i64()?))
            };
            return Self::Accepted(AcceptedOutcome {
                version: outcome["version"].as_u64().unwrap(),
                events: outcome["events"].as_array().unwrap().iter().map(event).collect(),
                position: position(&outcome["position"]),
            });
        }
        let problem = &outcome["problem"];
        match text(&problem["type"]).trim_start_matches("/problems/") {
            "version-mismatch" => Self::Mismatch(problem["current_version"].as_u64().unwrap()),
            "idempotency-key-reused" => Self::IdReused,
            "unreadable" => Self::Unreadable,
            code => Self::Refused(code.to_owned()),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
