//! Operations on parked events, for operators: list them with their reasons, and request that they be retried or
//! dropped.
//!
//! This module must never apply or remove an event itself. It stores a request and notifies projectors; the one that
//! owns the partition executes the request, in order and protected by its fence.

mod dropping;

use event_log::Position;
use sqlx::{FromRow, PgConnection, postgres::PgRow, types::Json};
use time::OffsetDateTime;

use super::table::Headers;
use crate::listener::CONTROL;
pub use dropping::{DropError, drop};

/// Selects the parked events that match every field that is set.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Only events of this projection.
    pub projection: Option<String>,
    /// Only events of this aggregate.
    pub aggregate: Option<String>,
    /// Only the event at this position.
    pub position: Option<Position>,
}

/// A parked event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The projection's name.
    pub projection: String,
    /// The generation that parked it.
    pub generation: i32,
    /// The event's position.
    pub position: Position,
    /// The aggregate's id; empty if the record's key is not an id.
    pub aggregate: String,
    /// The event's type, if the headers have one.
    pub event_type: Option<String>,
    /// The aggregate's version, if the headers have one.
    pub version: Option<i64>,
    /// The kind of error, in one word; `None` if the event only waits for an earlier one.
    pub cause: Option<String>,
    /// The error message, which may quote the payload.
    pub reason: Option<String>,
    /// How many events of the aggregate wait for this one.
    pub waiting: i64,
    /// Whether an operator has asked to retry it.
    pub retry: bool,
    /// When it was parked.
    pub parked_at: OffsetDateTime,
}

/// The log record of a parked event.
#[derive(Debug, Clone)]
pub struct Record {
    /// The record's key.
    pub key: Option<Vec<u8>>,
    /// The names and values of the headers, in order. A value that is not text is escaped like a Rust byte string.
    pub headers: Vec<(String, Option<String>)>,
    /// The record's payload. It may hold personal data.
    pub payload: Option<Vec<u8>>,
}

impl FromRow<'_, PgRow> for Event {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        use sqlx::Row;
        Ok(Self {
            projection: row.try_get("projection")?,
            generation: row.try_get("generation")?,
            position: Position {
                topic: row.try_get("topic")?,
                partition: row.try_get("partition")?,
                offset: row.try_get("log_offset")?,
            },
            aggregate: row.try_get("aggregate")?,
            event_type: row.try_get("event_type")?,
            version: row.try_get("version")?,
            cause: row.try_get("cause")?,
            reason: row.try_get("reason")?,
            waiting: row.try_get("waiting")?,
            retry: row.try_get("retry")?,
            parked_at: row.try_get("parked_at")?,
        })
    }
}

/// Lists the first parked event of every aggregate, and every parked record without an aggregate.
pub async fn list(connection: &mut PgConnection, selection: &Selection) -> Result<Vec<Event>, sqlx::Error> {
    let PositionFilter { topic, partition, offset } = PositionFilter::of(selection);
    sqlx::query_as(
        "SELECT *
           FROM (SELECT *,
                        row_number() OVER (aggregate_events ORDER BY log_offset) AS place,
                        count(*) OVER aggregate_events - 1 AS waiting
                   FROM public.parked_event
                  WHERE ($1::text IS NULL OR projection = $1) AND ($2::text IS NULL OR aggregate = $2)
                 WINDOW aggregate_events AS (PARTITION BY projection, generation, topic, partition, aggregate,
                                                          CASE aggregate WHEN '' THEN log_offset END)) AS parked
          WHERE CASE WHEN $3::text IS NULL THEN place = 1
                     ELSE topic = $3 AND partition = $4 AND log_offset = $5 END
          ORDER BY projection, generation, topic, partition, log_offset",
    )
    .bind(&selection.projection)
    .bind(&selection.aggregate)
    .bind(topic)
    .bind(partition)
    .bind(offset)
    .fetch_all(connection)
    .await
}

/// Reads the log record of a parked event.
pub async fn record(connection: &mut PgConnection, event: &Event) -> Result<Record, sqlx::Error> {
    let (key, headers, payload): (_, Headers, _) = sqlx::query_as(
        "SELECT key, headers, payload
           FROM public.parked_event
          WHERE projection = $1 AND generation = $2 AND topic = $3 AND partition = $4 AND log_offset = $5",
    )
    .bind(&event.projection)
    .bind(event.generation)
    .bind(&event.position.topic)
    .bind(event.position.partition)
    .bind(event.position.offset)
    .fetch_one(connection)
    .await?;
    let Json(headers) = headers;
    Ok(Record {
        key,
        headers: headers.into_iter().map(|(name, value)| (name, value.into_text())).collect(),
        payload,
    })
}

/// Requests that the selected events be retried, in all generations. Returns the number of aggregates.
pub async fn retry(connection: &mut PgConnection, selection: &Selection) -> Result<i64, sqlx::Error> {
    let PositionFilter { topic, partition, offset } = PositionFilter::of(selection);
    sqlx::query_scalar(
        "WITH selected AS (
             SELECT DISTINCT projection, generation, topic, partition, aggregate
               FROM public.parked_event
              WHERE aggregate <> ''
                AND ($1::text IS NULL OR projection = $1)
                AND ($2::text IS NULL OR aggregate = $2)
                AND ($3::text IS NULL OR (topic = $3 AND partition = $4 AND log_offset = $5))),
         marked AS (
             UPDATE public.parked_event
                SET retry = true
               FROM selected
              WHERE parked_event.projection = selected.projection
                AND parked_event.generation = selected.generation
                AND parked_event.topic = selected.topic
                AND parked_event.partition = selected.partition
                AND parked_event.aggregate = selected.aggregate),
         notified AS (
             SELECT pg_notify($6, projection) FROM (SELECT DISTINCT projection FROM selected) AS projections)
         SELECT count(*) + 0 * (SELECT count(*) FROM notified) FROM selected",
    )
    .bind(&selection.projection)
    .bind(&selection.aggregate)
    .bind(topic)
    .bind(partition)
    .bind(offset)
    .bind(CONTROL)
    .fetch_one(connection)
    .await
}

/// The position of a selection as statement parameters.
struct PositionFilter<'s> {
    topic: Option<&'s str>,
    partition: Option<i32>,
    offset: Option<i64>,
}

impl<'s> PositionFilter<'s> {
    fn of(selection: &'s Selection) -> Self {
        let position = selection.position.as_ref();
        Self {
            topic: position.map(|position| position.topic.as_str()),
            partition: position.map(|position| position.partition),
            offset: position.map(|position| position.offset),
        }
    }
}
