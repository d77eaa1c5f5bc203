use aggregate::Version;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use service_kit::{json::id_field, problem::title};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    context::RefusalStatuses,
    problems::status_of,
    responses::{EventRef, PositionBody, token},
};

/// What is known of a command.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// The command is safe in Kafka and has not been decided yet.
    Pending {
        /// The command.
        command_id: Uuid,
    },
    /// The command was carried out.
    Accepted {
        /// The command.
        command_id: Uuid,
        /// The aggregate.
        aggregate_id: String,
        /// The version of the aggregate after it.
        #[schema(value_type = u64, example = 1)]
        version: Version,
        /// The events of the command; empty if nothing had to change.
        events: Vec<EventRef>,
        /// The position of the last of these events in Kafka.
        position: Option<PositionBody>,
    },
    /// The command was refused, and nothing was written.
    Refused {
        /// The command.
        command_id: Uuid,
        /// The aggregate, if the command could be read that far.
        #[serde(skip_serializing_if = "Option::is_none")]
        aggregate_id: Option<String>,
        /// The problem document that the same command would have got over HTTP.
        #[schema(value_type = Object)]
        problem: Map<String, Value>,
    },
}

impl Outcome {
    /// Reads an outcome as it is in the topic.
    pub(crate) fn read(document: &str, statuses: RefusalStatuses) -> serde_json::Result<Self> {
        let mut outcome = serde_json::from_str(document)?;
        if let Self::Refused { problem, .. } = &mut outcome {
            complete(problem, statuses);
        }
        Ok(outcome)
    }

    /// The outcome as HTTP answers it: the id of the aggregate has the aggregate's own name.
    pub(crate) fn body(&self, aggregate: &str) -> serde_json::Result<Value> {
        let mut body = serde_json::to_value(self)?;
        let members = body.as_object_mut().expect("an outcome is an object");
        if let Some(id) = members.remove("aggregate_id") {
            members.insert(id_field(aggregate), id);
        }
        Ok(body)
    }

    /// The `Consistency-Token` of the last event, if there is one.
    pub(crate) fn token(&self) -> HeaderMap {
        match self {
            Self::Accepted { position: Some(position), .. } => token(&position.clone().into()),
            _ => HeaderMap::new(),
        }
    }
}

/// Adds the members of a problem that only HTTP knows.
fn complete(problem: &mut Map<String, Value>, statuses: RefusalStatuses) {
    let link = problem.get("type").and_then(Value::as_str).unwrap_or_default();
    let code = link.rsplit('/').next().unwrap_or_default().to_owned();
    problem.insert("title".to_owned(), title(&code).into());
    problem.insert("status".to_owned(), status_of(&code, statuses).as_u16().into());
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refusal_is_the_problem_that_http_would_have_answered() {
        for (code, status) in [
            ("account-closed", 422),
            ("account-not-found", 404),
            ("version-mismatch", 412),
            ("idempotency-key-reused", 422),
            ("malformed-command", 400),
            ("internal", 500),
        ] {
            let document = json!({
                "status": "refused",
                "command_id": Uuid::nil(),
                "problem": { "type": format!("/problems/{code}"), "current_version": 3 },
                "decided_at": "2026-11-20T10:00:00Z",
            });
            let outcome =
                Outcome::read(&document.to_string(), &[("account-not-found", StatusCode::NOT_FOUND)])
                    .unwrap();
            let body = outcome.body("account").unwrap();
            assert_eq!(body["problem"]["status"], status, "{code}");
            assert_eq!(body["problem"]["current_version"], 3);
            assert!(body["problem"]["title"].is_string());
        }
    }
}
