//! The answer to a command that is done.

use std::borrow::Cow;

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use command_engine::{Accepted, AcceptedEvent};
use event_log::Position;
use serde::{Deserialize, Serialize};
use service_kit::{Json, conditional::etag};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::outcomes::Outcome;

/// Where an event stands; a query that sends it as a token sees it.
const CONSISTENCY_TOKEN: HeaderName = HeaderName::from_static("consistency-token");
/// Says that `Prefer: respond-async` was followed (RFC 7240).
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
/// Marks an answer that was given before.
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// What a command led to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CommandResponse {
    /// The order.
    order_id: Uuid,
    /// Its version now: the number of its events.
    #[schema(example = 1)]
    version: u64,
    /// What has happened; empty if the order was that way already.
    events: Vec<EventRef>,
    /// Where the last of the events stands in Kafka.
    position: Option<PositionBody>,
}

/// What is known of a command that is decided later.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AcceptedResponse {
    /// The command: `/commands/{command_id}` tells what becomes of it.
    command_id: Uuid,
    /// The order.
    order_id: Uuid,
    #[schema(example = "pending")]
    status: &'static str,
}

/// One event of a command.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct EventRef {
    /// The name of the fact.
    #[schema(value_type = String, example = "OrderPlaced")]
    r#type: Cow<'static, str>,
    /// The event's own id (`ce_id`).
    id: Uuid,
}

/// A place in Kafka.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct PositionBody {
    #[schema(example = "orders.events")]
    topic: String,
    #[schema(example = 4)]
    partition: i32,
    #[schema(example = 7)]
    offset: i64,
}

/// 201, with the place of the new order.
pub(crate) fn created(order_id: Uuid, accepted: Accepted) -> Response {
    let location = HeaderValue::try_from(format!("/orders/{order_id}")).expect("a UUID fits in a header");
    (StatusCode::CREATED, [(header::LOCATION, location)], done(order_id, accepted)).into_response()
}

/// 200, with what has happened.
pub(crate) fn done(order_id: Uuid, accepted: Accepted) -> Response {
    (headers(&accepted), Json(CommandResponse::new(order_id, accepted))).into_response()
}

/// 202: the command is safe, and its outcome will be told elsewhere.
pub(crate) fn taken(order_id: Uuid, command_id: Uuid) -> Response {
    let location = HeaderValue::try_from(format!("/commands/{command_id}")).expect("a UUID fits in a header");
    let headers =
        [(header::LOCATION, location), (PREFERENCE_APPLIED, HeaderValue::from_static("respond-async"))];
    (StatusCode::ACCEPTED, headers, Json(AcceptedResponse { command_id, order_id, status: "pending" }))
        .into_response()
}

/// The token of an outcome, where there is something to wait for.
pub(crate) fn token_of(outcome: &Outcome) -> HeaderMap {
    let Outcome::Accepted { position: Some(PositionBody { topic, partition, offset }), .. } = outcome else {
        return HeaderMap::new();
    };
    let position = Position { topic: topic.clone(), partition: *partition, offset: *offset };
    HeaderMap::from_iter(token(&position))
}

fn token(position: &Position) -> Option<(HeaderName, HeaderValue)> {
    Some((CONSISTENCY_TOKEN, HeaderValue::try_from(position.to_string()).ok()?))
}

fn headers(accepted: &Accepted) -> HeaderMap {
    let mut headers = HeaderMap::from_iter([(header::ETAG, etag(accepted.version))]);
    headers.extend(accepted.position.as_ref().and_then(token).map(|(name, token)| (Some(name), token)));
    if accepted.replayed {
        headers.insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    headers
}

impl CommandResponse {
    fn new(order_id: Uuid, accepted: Accepted) -> Self {
        let happened = |event: AcceptedEvent| EventRef { r#type: event.event_type.into(), id: event.id };
        Self {
            order_id,
            version: accepted.version.0,
            events: accepted.events.into_iter().map(happened).collect(),
            position: accepted.position.map(PositionBody::from),
        }
    }
}

impl From<Position> for PositionBody {
    fn from(position: Position) -> Self {
        let Position { topic, partition, offset } = position;
        Self { topic, partition, offset }
    }
}
