use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, request::Parts},
};
use projection::PartitionOffsets;
use service_kit::{Problem, problem::kinds};

use super::{Start, event_id};
use crate::problems;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Where a client wants its stream to begin.
#[derive(Debug, Clone, Default)]
pub struct ChangesRequest {
    /// `Last-Event-ID` (HTML standard): after the event with this id. It takes precedence over `from`.
    pub last_event_id: Option<String>,
    /// `now`, which is the default, `beginning`, or a consistency token: after its positions.
    pub from: Option<String>,
}

impl ChangesRequest {
    /// Sets the query parameter `from`.
    #[must_use]
    pub fn from(self, from: Option<String>) -> Self {
        Self { from, ..self }
    }

    pub(super) fn start(&self, topic: &str, partitions: i32) -> Result<Start, Problem> {
        if let Some(id) = &self.last_event_id {
            let seen = event_id::parse(id, partitions);
            return seen.map(Start::After).map_err(|error| {
                Problem::new(kinds::INVALID_HEADER).detail(format!("Last-Event-ID: {error}"))
            });
        }
        match self.from.as_deref() {
            None | Some("now") => Ok(Start::Now),
            Some("beginning") => Ok(Start::After(PartitionOffsets::default())),
            Some(token) => PartitionOffsets::parse(token, topic, partitions)
                .map(Start::After)
                .map_err(|error| problems::invalid_token(&error)),
        }
    }

    fn of(headers: &HeaderMap) -> Self {
        let id = headers.get(&LAST_EVENT_ID).map(|id| id.to_str().unwrap_or_default().to_owned());
        Self { last_event_id: id, from: None }
    }
}

impl<S: Sync> FromRequestParts<S> for ChangesRequest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self::of(&parts.headers))
    }
}
