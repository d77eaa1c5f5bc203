//! The statements of a projector on the tables of parked and dropped events.

use aggregate::Version;
use event_log::{Position, RawRecord};
use sqlx::{FromRow, PgConnection, types::Json};

use super::{Obstacle, ParkedEvent, dropped::Dropped, roll::Roll};
use crate::{ProjectionError, target::Target};

/// A header's value: text where Postgres takes it as such, else its bytes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub(super) enum Value {
    Missing,
    Text(String),
    Bytes(Vec<u8>),
}

/// Headers as they are kept: pairs of a name and a value, in order.
pub(super) type Headers = Json<Vec<(String, Value)>>;

/// So many parked events are tried again in one transaction.
const PORTION: i64 = 500;

/// A parked event that is to be tried again.
#[derive(Debug, FromRow)]
pub(super) struct Row {
    pub(super) partition: i32,
    log_offset: i64,
    pub(super) aggregate: String,
    key: Option<Vec<u8>>,
    headers: Headers,
    payload: Option<Vec<u8>>,
}

impl Row {
    pub(super) fn into_record(self, topic: &str) -> RawRecord {
        RawRecord {
            position: Position {
                topic: topic.to_owned(),
                partition: self.partition,
                offset: self.log_offset,
            },
            key: self.key,
            headers: self.headers.0.into_iter().map(|(name, value)| (name, value.into_bytes())).collect(),
            payload: self.payload,
        }
    }
}

impl Value {
    fn of(bytes: Option<&[u8]>) -> Self {
        match bytes.map(|bytes| (bytes, str::from_utf8(bytes))) {
            None => Self::Missing,
            Some((_, Ok(text))) if !text.contains('\0') => Self::Text(text.to_owned()),
            Some((bytes, _)) => Self::Bytes(bytes.to_vec()),
        }
    }

    /// As people read it.
    pub(super) fn into_text(self) -> Option<String> {
        match self {
            Self::Missing => None,
            Self::Text(text) => Some(text),
            Self::Bytes(bytes) => Some(bytes.escape_ascii().to_string()),
        }
    }

    fn into_bytes(self) -> Option<Vec<u8>> {
        match self {
            Self::Missing => None,
            Self::Text(text) => Some(text.into_bytes()),
            Self::Bytes(bytes) => Some(bytes),
        }
    }
}

fn headers(record: &RawRecord) -> Headers {
    let pair = |(name, value): &(String, Option<Vec<u8>>)| {
        (name.replace('\0', "\u{fffd}"), Value::of(value.as_deref()))
    };
    Json(record.headers.iter().map(pair).collect())
}

/// Writes parked events, however many there are, with one statement.
pub(crate) async fn insert(
    transaction: &mut PgConnection,
    target: &Target,
    parked: impl Iterator<Item = &ParkedEvent>,
) -> Result<(), ProjectionError> {
    let events: Vec<_> = parked.collect();
    if events.is_empty() {
        return Ok(());
    }
    let positions = || events.iter().map(|event| &event.record.position);
    let obstacles = || events.iter().map(|event| event.obstacle.as_ref());
    sqlx::query(
        "INSERT INTO public.parked_event
            (projection, generation, topic, partition, log_offset, aggregate, key, event_type, version,
             headers, payload, cause, reason, stands_at)
         SELECT $1, $2, $3, *
           FROM unnest($4::integer[], $5::bigint[], $6::text[], $7::bytea[], $8::text[], $9::bigint[],
                       $10::jsonb[], $11::bytea[], $12::text[], $13::text[], $14::bigint[])",
    )
    .bind(target.projection)
    .bind(target.generation)
    .bind(&target.topic)
    .bind(positions().map(|position| position.partition).collect::<Vec<_>>())
    .bind(positions().map(|position| position.offset).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.aggregate.as_str()).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.record.key.as_deref()).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event_type(&event.record)).collect::<Vec<_>>())
    .bind(events.iter().map(|event| version(&event.record)).collect::<Vec<_>>())
    .bind(events.iter().map(|event| headers(&event.record)).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.record.payload.as_deref()).collect::<Vec<_>>())
    .bind(obstacles().map(|met| met.map(|met| met.cause.as_str())).collect::<Vec<_>>())
    .bind(obstacles().map(|met| met.map(|met| met.reason.as_str())).collect::<Vec<_>>())
    .bind(obstacles().map(|met| number(met?.stands_at)).collect::<Vec<_>>())
    .execute(transaction)
    .await?;
    Ok(())
}

fn event_type(record: &RawRecord) -> Option<&str> {
    record.text("ce_type").filter(|text| !text.contains('\0'))
}

fn version(record: &RawRecord) -> Option<i64> {
    record.text("aggregate_version")?.parse().ok()
}

fn number(version: Option<Version>) -> Option<i64> {
    version.and_then(|version| i64::try_from(version.0).ok())
}

/// What is parked in some partitions.
pub(super) async fn roll(
    connection: &mut PgConnection,
    target: &Target,
    partitions: &[i32],
) -> Result<Vec<(i32, String, i64)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT partition, aggregate, count(*)
           FROM public.parked_event
          WHERE projection = $1 AND generation = $2 AND topic = $3 AND partition = ANY($4)
          GROUP BY partition, aggregate",
    )
    .bind(target.projection)
    .bind(target.generation)
    .bind(&target.topic)
    .bind(partitions)
    .fetch_all(connection)
    .await
}

/// Takes over into the roll what is parked in some partitions.
pub(super) fn enter(roll: &mut Roll, partitions: &[i32], rows: Vec<(i32, String, i64)>) {
    roll.begin(partitions);
    for (partition, aggregate, events) in rows {
        roll.add(partition, &aggregate, events.unsigned_abs());
    }
}

#[derive(FromRow)]
struct Omitted {
    partition: i32,
    log_offset: i64,
    aggregate: String,
    version: Option<i64>,
    stands_at: Option<i64>,
}

/// What is dropped in some partitions.
pub(super) async fn dropped(
    connection: &mut PgConnection,
    target: &Target,
    partitions: &[i32],
) -> Result<Dropped, sqlx::Error> {
    let rows: Vec<Omitted> = sqlx::query_as(
        "SELECT partition, log_offset, aggregate, version, stands_at
           FROM public.dropped_event
          WHERE projection = $1 AND topic = $2 AND partition = ANY($3)
          ORDER BY partition, log_offset",
    )
    .bind(target.projection)
    .bind(&target.topic)
    .bind(partitions)
    .fetch_all(connection)
    .await?;
    let mut dropped = Dropped::default();
    for row in rows {
        let at = |version: i64| Version(version.unsigned_abs());
        let place = (row.partition, row.log_offset);
        dropped.add(place, row.aggregate, row.version.map(at), row.stands_at.map(at));
    }
    Ok(dropped)
}

/// Whether something is parked that is dropped.
pub(super) async fn has_dropped(
    connection: &mut PgConnection,
    target: &Target,
    partitions: &[i32],
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (
             SELECT FROM public.parked_event JOIN public.dropped_event
                  USING (projection, topic, partition, log_offset)
              WHERE projection = $1 AND generation = $2 AND topic = $3 AND partition = ANY($4))",
    )
    .bind(target.projection)
    .bind(target.generation)
    .bind(&target.topic)
    .bind(partitions)
    .fetch_one(connection)
    .await
}

/// Removes from the parked events those that are dropped, and lets what waited behind them be tried again.
pub(super) async fn clear(
    transaction: &mut PgConnection,
    target: &Target,
    partitions: &[i32],
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "WITH cleared AS (
             DELETE FROM public.parked_event AS parked
              USING public.dropped_event AS dropped
              WHERE parked.projection = $1 AND parked.generation = $2 AND parked.topic = $3
                AND parked.partition = ANY($4)
                AND dropped.projection = $1 AND dropped.topic = $3
                AND dropped.partition = parked.partition AND dropped.log_offset = parked.log_offset
             RETURNING parked.partition, parked.aggregate, parked.log_offset)
         UPDATE public.parked_event AS waiting
            SET retry = true
           FROM (SELECT DISTINCT partition, aggregate FROM cleared WHERE aggregate <> '') AS freed
          WHERE waiting.projection = $1 AND waiting.generation = $2 AND waiting.topic = $3
            AND waiting.partition = freed.partition AND waiting.aggregate = freed.aggregate
            AND (waiting.partition, waiting.log_offset) NOT IN (SELECT partition, log_offset FROM cleared)",
    )
    .bind(target.projection)
    .bind(target.generation)
    .bind(&target.topic)
    .bind(partitions)
    .execute(transaction)
    .await?;
    Ok(())
}

/// The first events of an aggregate that somebody wants to be tried again.
pub(super) async fn to_retry(
    connection: &mut PgConnection,
    target: &Target,
    partitions: &[i32],
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as(
        "WITH marked AS (
             SELECT partition, aggregate
               FROM public.parked_event
              WHERE projection = $1 AND generation = $2 AND topic = $3 AND partition = ANY($4)
                AND retry AND aggregate <> ''
              LIMIT 1)
         SELECT partition, log_offset, aggregate, key, headers, payload
           FROM public.parked_event JOIN marked USING (partition, aggregate)
          WHERE projection = $1 AND generation = $2 AND topic = $3
          ORDER BY log_offset
          LIMIT $5",
    )
    .bind(target.projection)
    .bind(target.generation)
    .bind(&target.topic)
    .bind(partitions)
    .bind(PORTION)
    .fetch_all(connection)
    .await
}

/// Removes events that are applied now. False if one of them has been dropped meanwhile.
pub(super) async fn release(
    transaction: &mut PgConnection,
    target: &Target,
    partition: i32,
    offsets: &[i64],
) -> Result<bool, sqlx::Error> {
    // Who drops an event locks its row first, so whoever comes second here sees the other.
    sqlx::query(
        "DELETE FROM public.parked_event
          WHERE projection = $1 AND generation = $2 AND topic = $3 AND partition = $4 AND log_offset = ANY($5)",
    )
    .bind(target.projection)
    .bind(target.generation)
    .bind(&target.topic)
    .bind(partition)
    .bind(offsets)
    .execute(&mut *transaction)
    .await?;
    let dropped: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM public.dropped_event
                         WHERE projection = $1 AND topic = $2 AND partition = $3 AND log_offset = ANY($4))",
    )
    .bind(target.projection)
    .bind(&target.topic)
    .bind(partition)
    .bind(offsets)
    .fetch_one(transaction)
    .await?;
    Ok(!dropped)
}

/// Leaves an aggregate parked, with what its first event meets now.
pub(super) async fn stand_still(
    transaction: &mut PgConnection,
    target: &Target,
    (aggregate, partition, offset): (&str, i32, i64),
    obstacle: &Obstacle,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE public.parked_event
            SET retry = false,
                cause = CASE WHEN log_offset = $6 THEN $7 ELSE cause END,
                reason = CASE WHEN log_offset = $6 THEN $8 ELSE reason END,
                stands_at = CASE WHEN log_offset = $6 THEN $9 ELSE stands_at END
          WHERE projection = $1 AND generation = $2 AND topic = $3 AND partition = $4 AND aggregate = $5
            AND (retry OR log_offset = $6)",
    )
    .bind(target.projection)
    .bind(target.generation)
    .bind(&target.topic)
    .bind(partition)
    .bind(aggregate)
    .bind(offset)
    .bind(obstacle.cause.as_str())
    .bind(&obstacle.reason)
    .bind(number(obstacle.stands_at))
    .execute(transaction)
    .await?;
    Ok(())
}
