//! Parked events, for operators: what is parked and why, and requests to retry or drop it.
//!
//! Nothing is applied or removed here. A request is stored and announced; the projector that owns the partition
//! carries it out, in order and behind its fence.

mod dropping;

use event_log::Position;
use sqlx::{FromRow, PgConnection, postgres::PgRow, types::Json};
use time::OffsetDateTime;

use super::table::Headers;
use crate::listener::CONTROL;
pub use dropping::{DropError, drop};

/// Selects parked events: those that match every field that is given.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Events of this projection.
    pub projection: Option<String>,
    /// Events of this aggregate.
    pub aggregate: Option<String>,
    /// The event at this position.
    pub position: Option<Position>,
}

/// A parked event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The projection's name.
    pub projection: String,
    /// The generation of its tables.
    pub generation: i32,
    /// The event's position.
    pub position: Position,
    /// The aggregate's id; empty if the record's key is not an id.
    pub aggregate: String,
    /// Its type, if its headers have one.
    pub event_type: Option<String>,
    /// The aggregate's version, if its headers have one.
    pub version: Option<i64>,
    /// Why it is parked, in a word; `None` if it only waits for an earlier event.
    pub cause: Option<String>,
    /// Why it is parked, in a sentence. It may quote the payload.
    pub reason: Option<String>,
    /// How many events of its aggregate wait for it.
    pub waiting: i64,
    /// Whether an operator asked for another attempt.
    pub retry: bool,
    /// When it was parked.
    pub parked_at: OffsetDateTime,
}

/// A parked record as it is in the log.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Names and values, in order; a value that is not text is shown as Rust shows bytes.
    pub headers: Vec<(String, Option<String>)>,
    /// Its payload. It may hold personal data.
    pub payload: Option<Vec<u8>>,
}

impl FromRow<'_, PgRow> for DeadLetter {
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

/// The first parked event of every aggregate, and every record that belongs to none.
pub async fn list(
    connection: &mut PgConnection,
    selection: &Selection,
) -> Result<Vec<DeadLetter>, sqlx::Error> {
    let Place { topic, partition, offset } = Place::of(selection);
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

/// The record of a parked event.
pub async fn record(connection: &mut PgConnection, letter: &DeadLetter) -> Result<Record, sqlx::Error> {
    let (key, headers, payload): (_, Headers, _) = sqlx::query_as(
        "SELECT key, headers, payload
           FROM public.parked_event
          WHERE projection = $1 AND generation = $2 AND topic = $3 AND partition = $4 AND log_offset = $5",
    )
    .bind(&letter.projection)
    .bind(letter.generation)
    .bind(&letter.position.topic)
    .bind(letter.position.partition)
    .bind(letter.position.offset)
    .fetch_one(connection)
    .await?;
    let Json(headers) = headers;
    Ok(Record {
        key,
        headers: headers.into_iter().map(|(name, value)| (name, value.into_text())).collect(),
        payload,
    })
}

/// Asks for another attempt at everything that is selected, in all generations. Returns the number of aggregates.
pub async fn retry(connection: &mut PgConnection, selection: &Selection) -> Result<i64, sqlx::Error> {
    let Place { topic, partition, offset } = Place::of(selection);
    sqlx::query_scalar(
        "WITH meant AS (
             SELECT DISTINCT projection, generation, topic, partition, aggregate
               FROM public.parked_event
              WHERE aggregate <> ''
                AND ($1::text IS NULL OR projection = $1)
                AND ($2::text IS NULL OR aggregate = $2)
                AND ($3::text IS NULL OR (topic = $3 AND partition = $4 AND log_offset = $5))),
         marked AS (
             UPDATE public.parked_event
                SET retry = true
               FROM meant
              WHERE parked_event.projection = meant.projection
                AND parked_event.generation = meant.generation
                AND parked_event.topic = meant.topic
                AND parked_event.partition = meant.partition
                AND parked_event.aggregate = meant.aggregate),
         notified AS (
             SELECT pg_notify($6, projection) FROM (SELECT DISTINCT projection FROM meant) AS projections)
         SELECT count(*) + 0 * (SELECT count(*) FROM notified) FROM meant",
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

/// A position as parameters of a statement.
struct Place<'s> {
    topic: Option<&'s str>,
    partition: Option<i32>,
    offset: Option<i64>,
}

impl<'s> Place<'s> {
    fn of(selection: &'s Selection) -> Self {
        let position = selection.position.as_ref();
        Self {
            topic: position.map(|position| position.topic.as_str()),
            partition: position.map(|position| position.partition),
            offset: position.map(|position| position.offset),
        }
    }
}
