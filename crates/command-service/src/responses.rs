//! The answers to commands, as JSON.

use std::borrow::Cow;

use aggregate::Aggregate;
use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use command_engine::{Accepted, AcceptedEvent};
use event_log::Position;
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use service_kit::{
    Json, conditional::etag, json::id_field, prefer::PREFERENCE_APPLIED, request::CONSISTENCY_TOKEN,
};
use utoipa::ToSchema;
use uuid::Uuid;

/// Marks an answer that was given before.
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// What a command led to. The id of the aggregate is written under the aggregate's own name: `order_id`.
#[derive(Debug, ToSchema)]
pub struct CommandResponse {
    /// The aggregate.
    aggregate_id: Uuid,
    /// Its version now, which is the number of its events.
    #[schema(example = 1)]
    version: u64,
    /// The events of the command; empty if nothing had to change.
    events: Vec<EventRef>,
    /// The position of the last of these events in Kafka.
    position: Option<PositionBody>,
    #[schema(ignore)]
    aggregate: &'static str,
    #[schema(ignore)]
    headers: HeaderMap,
}

/// A command that was written to Kafka and will be decided later.
#[derive(Debug, ToSchema)]
pub struct AcceptedResponse {
    /// The command; `/commands/{command_id}` answers what became of it.
    command_id: Uuid,
    /// The aggregate.
    aggregate_id: Uuid,
    /// Always `pending`.
    #[schema(example = "pending")]
    status: &'static str,
    #[schema(ignore)]
    aggregate: &'static str,
}

/// One event of a command.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EventRef {
    /// The name of the event.
    #[schema(value_type = String, example = "OrderPlaced")]
    r#type: Cow<'static, str>,
    /// The event's own id (`ce_id`).
    id: Uuid,
}

/// A position in Kafka.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PositionBody {
    #[schema(example = "orders.events")]
    topic: String,
    #[schema(example = 4)]
    partition: i32,
    #[schema(example = 7)]
    offset: i64,
}

impl CommandResponse {
    pub(crate) fn new<K: Aggregate>(aggregate_id: Uuid, accepted: Accepted) -> Self {
        let event = |event: AcceptedEvent| EventRef { r#type: event.event_type.into(), id: event.id };
        Self {
            aggregate_id,
            headers: headers(&accepted),
            version: accepted.version.0,
            events: accepted.events.into_iter().map(event).collect(),
            position: accepted.position.map(PositionBody::from),
            aggregate: K::NAME,
        }
    }
}

impl AcceptedResponse {
    pub(crate) fn new<K: Aggregate>(aggregate_id: Uuid, command_id: Uuid) -> Self {
        Self { command_id, aggregate_id, status: "pending", aggregate: K::NAME }
    }
}

impl Serialize for CommandResponse {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry(&id_field(self.aggregate), &self.aggregate_id)?;
        map.serialize_entry("version", &self.version)?;
        map.serialize_entry("events", &self.events)?;
        map.serialize_entry("position", &self.position)?;
        map.end()
    }
}

impl Serialize for AcceptedResponse {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("command_id", &self.command_id)?;
        map.serialize_entry(&id_field(self.aggregate), &self.aggregate_id)?;
        map.serialize_entry("status", self.status)?;
        map.end()
    }
}

impl IntoResponse for CommandResponse {
    fn into_response(mut self) -> Response {
        (std::mem::take(&mut self.headers), Json(self)).into_response()
    }
}

impl IntoResponse for AcceptedResponse {
    fn into_response(self) -> Response {
        let location = HeaderValue::try_from(format!("/commands/{}", self.command_id));
        let headers = [
            (header::LOCATION, location.expect("a UUID fits in a header")),
            (PREFERENCE_APPLIED, HeaderValue::from_static("respond-async")),
        ];
        (StatusCode::ACCEPTED, headers, Json(self)).into_response()
    }
}

fn headers(accepted: &Accepted) -> HeaderMap {
    let mut headers = accepted.position.as_ref().map(token).unwrap_or_default();
    headers.insert(header::ETAG, etag(accepted.version));
    if accepted.replayed {
        headers.insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    headers
}

/// The `Consistency-Token` of a position.
pub(crate) fn token(position: &Position) -> HeaderMap {
    let token = HeaderValue::try_from(position.to_string());
    token.into_iter().map(|token| (CONSISTENCY_TOKEN, token)).collect()
}

impl From<Position> for PositionBody {
    fn from(Position { topic, partition, offset }: Position) -> Self {
        Self { topic, partition, offset }
    }
}

impl From<PositionBody> for Position {
    fn from(PositionBody { topic, partition, offset }: PositionBody) -> Self {
        Self { topic, partition, offset }
    }
}
