use aggregate::Version;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use service_kit::problem::title;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    answer::{EventRef, PositionBody},
    problems::status_of,
};

/// What is known of a command.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// It is safe, and its turn has not come.
    Pending {
        /// The command.
        command_id: Uuid,
    },
    /// It is done.
    Accepted {
        /// The command.
        command_id: Uuid,
        /// The order.
        #[serde(rename(deserialize = "aggregate_id"))]
        order_id: String,
        /// The order's version after it.
        #[schema(value_type = u64, example = 1)]
        version: Version,
        /// What has happened; empty if the order was that way already.
        events: Vec<EventRef>,
        /// Where the last of the events stands in Kafka.
        position: Option<PositionBody>,
    },
    /// It was not followed, and nothing was written.
    Refused {
        /// The command.
        command_id: Uuid,
        /// The order, if that much could be read.
        #[serde(rename(deserialize = "aggregate_id"), skip_serializing_if = "Option::is_none")]
        order_id: Option<String>,
        /// The problem document that the same command would have got at once.
        #[schema(value_type = Object)]
        problem: Map<String, Value>,
    },
}

impl Outcome {
    /// Reads an outcome as the topic has it.
    pub(crate) fn read(document: &str) -> serde_json::Result<Self> {
        let mut outcome = serde_json::from_str(document)?;
        if let Self::Refused { problem, .. } = &mut outcome {
            complete(problem);
        }
        Ok(outcome)
    }
}

/// Adds what HTTP calls the problem.
fn complete(problem: &mut Map<String, Value>) {
    let link = problem.get("type").and_then(Value::as_str).unwrap_or_default();
    let code = link.rsplit('/').next().unwrap_or_default().to_owned();
    problem.insert("title".to_owned(), title(&code).into());
    problem.insert("status".to_owned(), status_of(&code).as_u16().into());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refusal_is_told_as_the_problem_that_http_would_have_told() {
        for (code, status) in [
            ("order-already-cancelled", 422),
            ("order-not-found", 404),
            ("order-already-placed", 409),
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
            let outcome = Outcome::read(&document.to_string()).unwrap();
            let told = serde_json::to_value(outcome).unwrap();
            assert_eq!(told["problem"]["status"], status, "{code}");
            assert_eq!(told["problem"]["current_version"], 3);
            assert!(told["problem"]["title"].is_string());
        }
    }
}
