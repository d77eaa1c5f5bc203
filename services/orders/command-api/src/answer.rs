//! The answer to a command that is done.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use command_engine::{Accepted, AcceptedEvent};
use event_log::Position;
use serde::Serialize;
use service_kit::{Json, conditional::etag};
use utoipa::ToSchema;
use uuid::Uuid;

/// Where an event stands; a query that sends it as a token sees it.
const CONSISTENCY_TOKEN: HeaderName = HeaderName::from_static("consistency-token");
/// Marks an answer that was given before.
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// What a command led to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Done {
    /// The order.
    order_id: Uuid,
    /// Its version now: the number of its events.
    #[schema(example = 1)]
    version: u64,
    /// What has happened; empty if the order was that way already.
    events: Vec<Happened>,
    /// Where the last of the events stands in Kafka.
    position: Option<Place>,
}

/// One event of a command.
#[derive(Debug, Serialize, ToSchema)]
struct Happened {
    /// The name of the fact.
    #[schema(example = "OrderPlaced")]
    r#type: &'static str,
    /// The event's own id (`ce_id`).
    id: Uuid,
}

/// A place in Kafka.
#[derive(Debug, Serialize, ToSchema)]
struct Place {
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
    (headers(&accepted), Json(Done::new(order_id, accepted))).into_response()
}

fn headers(accepted: &Accepted) -> HeaderMap {
    let mut headers = HeaderMap::from_iter([(header::ETAG, etag(accepted.version))]);
    if let Some(position) = &accepted.position {
        let token = HeaderValue::try_from(position.to_string()).expect("a topic's name fits in a header");
        headers.insert(CONSISTENCY_TOKEN, token);
    }
    if accepted.replayed {
        headers.insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    headers
}

impl Done {
    fn new(order_id: Uuid, accepted: Accepted) -> Self {
        let happened = |event: AcceptedEvent| Happened { r#type: event.event_type, id: event.id };
        Self {
            order_id,
            version: accepted.version.0,
            events: accepted.events.into_iter().map(happened).collect(),
            position: accepted.position.map(Place::from),
        }
    }
}

impl From<Position> for Place {
    fn from(position: Position) -> Self {
        let Position { topic, partition, offset } = position;
        Self { topic, partition, offset }
    }
}
