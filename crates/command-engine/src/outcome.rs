//! The outcomes of commands that came through Kafka, as documents for the outcomes topic.

use aggregate::Refusal;
use event_log::{NewOutcome, Position, now};
use serde::Serialize;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use crate::{Accepted, CommandError, Rejection};

/// A document of the outcomes topic.
#[derive(Serialize)]
struct Document<'a> {
    /// The key of the record: the command's id, or the position of a command that could not be read.
    command_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    aggregate_id: Option<&'a str>,
    #[serde(flatten)]
    status: Status,
    #[serde(with = "time::serde::rfc3339")]
    decided_at: OffsetDateTime,
}

#[derive(Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
enum Status {
    Accepted {
        version: u64,
        events: Vec<Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        position: Option<Value>,
    },
    Refused {
        problem: Value,
        #[serde(skip_serializing_if = "Option::is_none")]
        dead_letter: Option<Value>,
    },
}

/// The outcome of a command that was decided; `at` is the position of the command.
pub(crate) fn decided<R: Refusal>(
    key: &str,
    at: &Position,
    aggregate_id: &str,
    answer: Result<Accepted, &CommandError<R>>,
) -> NewOutcome {
    let status = match answer {
        Ok(accepted) => self::accepted(&accepted),
        Err(error) => Status::Refused { problem: problem(error), dead_letter: None },
    };
    written(key, at, Some(aggregate_id), status)
}

/// The outcome of a command that was rejected before.
pub(crate) fn rejected(key: &str, rejection: &Rejection, at: &Position) -> NewOutcome {
    let problem = problem_of(&rejection.code, Some(&rejection.detail), rejection.facts.clone());
    let dead_letter = rejection.dead_letter.then(|| json!({ "position": at.to_string() }));
    written(key, at, None, Status::Refused { problem, dead_letter })
}

fn written(key: &str, at: &Position, aggregate_id: Option<&str>, status: Status) -> NewOutcome {
    let mut document = Document { command_id: key, aggregate_id, status, decided_at: now() };
    let mut outcome =
        NewOutcome { partition: at.partition, key: key.to_owned(), document: document.serialized() };
    if outcome.is_too_large() {
        document.status = document.status.shortened();
        outcome.document = document.serialized();
    }
    outcome
}

impl Document<'_> {
    fn serialized(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an outcome has only text for keys")
    }
}

impl Status {
    /// The same without what can be of any length: an outcome that Kafka refused would hold back its partition.
    fn shortened(self) -> Self {
        match self {
            Self::Accepted { version, position, .. } => {
                Self::Accepted { version, events: Vec::new(), position }
            }
            Self::Refused { problem, dead_letter } => {
                let detail = "the details are too long to be recorded";
                Self::Refused { problem: json!({ "type": problem["type"], "detail": detail }), dead_letter }
            }
        }
    }
}

fn accepted(accepted: &Accepted) -> Status {
    let event = |event: &crate::AcceptedEvent| json!({ "type": event.event_type, "id": event.id });
    let position =
        |at: &Position| json!({ "topic": at.topic, "partition": at.partition, "offset": at.offset });
    Status::Accepted {
        version: accepted.version.0,
        events: accepted.events.iter().map(event).collect(),
        position: accepted.position.as_ref().map(position),
    }
}

fn problem<R: Refusal>(error: &CommandError<R>) -> Value {
    match error {
        CommandError::Refused(refusal) => {
            let facts = serde_json::to_value(refusal).unwrap_or_default();
            problem_of(refusal.code(), Some(&refusal.to_string()), facts)
        }
        CommandError::VersionMismatch { current } => {
            let facts = json!({ "current_version": current });
            problem_of("version-mismatch", Some(&error.to_string()), facts)
        }
        CommandError::EventTooLarge => problem_of("event-too-large", Some(&error.to_string()), Value::Null),
        CommandError::IdReused => problem_of("idempotency-key-reused", Some(&error.to_string()), Value::Null),
        // Internal errors are not disclosed. All others never occur in a committed group.
        _ => problem_of("internal", None, Value::Null),
    }
}

/// A problem document (RFC 9457). Extension members never replace the standard ones.
fn problem_of(code: &str, detail: Option<&str>, facts: Value) -> Value {
    let mut problem = match facts {
        Value::Object(facts) => facts,
        _ => Map::new(),
    };
    problem.insert("type".to_owned(), format!("/problems/{code}").into());
    if let Some(detail) = detail {
        problem.insert("detail".to_owned(), detail.into());
    }
    problem.into()
}

#[cfg(test)]
mod tests {
    use aggregate::Version;
    use event_log::Position;
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::{Status, accepted, written};
    use crate::{Accepted, AcceptedEvent};

    fn document(status: Status) -> Value {
        let at = Position { topic: "bank.commands".to_owned(), partition: 0, offset: 0 };
        let outcome = written("key", &at, Some("a"), status);
        assert!(!outcome.is_too_large());
        serde_json::from_slice(&outcome.document).unwrap()
    }

    #[test]
    fn an_outcome_has_all_events_unless_it_would_be_too_large() {
        let event = AcceptedEvent { event_type: "Deposited", id: Uuid::nil() };
        for (count, shown) in [(1_000, 1_000), (20_000, 0)] {
            let position = Position { topic: "bank.events".to_owned(), partition: 0, offset: 7 };
            let answer = Accepted {
                version: Version(9),
                events: vec![event.clone(); count],
                position: Some(position),
                replayed: false,
            };
            let document = document(accepted(&answer));
            assert_eq!(document["events"].as_array().unwrap().len(), shown);
            assert_eq!((&document["version"], &document["position"]["offset"]), (&json!(9), &json!(7)));
        }
    }
}
