//! The SQL statements that read the journal.

use aggregate::{Message, Payload, Version};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use sqlx::types::Json;
use time::OffsetDateTime;

use super::{
    PastEvent, PointInTime,
    event_history::{EventHistory, JournalEntry},
};
use crate::{Found, List, NoFilters, ReadPosition, ReadScope};

/// A page of the events of an aggregate; `None` if the journal has no event of it.
pub(super) async fn history(
    scope: &ReadScope<'_>,
    list: &List<NoFilters, i64>,
) -> Result<Found<Option<Json<Vec<PastEvent>>>>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        r#"SELECT read_position($1, $2, $3, $4) AS "position!: Json<ReadPosition>",
                  CASE WHEN EXISTS (SELECT
                                       FROM journal
                                      WHERE aggregate_id = $4 AND coalesce(aggregate_kind, $7) = $7)
                       THEN (SELECT coalesce(json_agg(page), '[]')
                               FROM (SELECT version, event_type AS type, event_id AS id, occurred_at, actor,
                                            command_id, correlation_id, causation_id,
                                            json_build_object('topic', $2, 'partition', partition,
                                                              'offset', log_offset) AS position,
                                            event AS data
                                       FROM journal
                                      WHERE aggregate_id = $4 AND version > $5
                                      ORDER BY version
                                      LIMIT $6) AS page)
                  END AS "found: Json<Vec<PastEvent>>""#,
        scope.projection,
        scope.topic,
        scope.partition,
        scope.aggregate_id,
        list.after.unwrap_or(0),
        list.rows(),
        scope.aggregate_kind(),
    )
    .fetch_one(scope.pool())
    .await
}

/// The events of an aggregate up to a point in time. For a time, these end with the last event that is not later.
/// Clocks differ, so an event before it may have a later time.
pub(super) async fn event_history<E: Message>(
    scope: &ReadScope<'_>,
    point: PointInTime,
) -> Result<Found<EventHistory<E>>, sqlx::Error> {
    let Found::<Json<Rows>> { position, found } = sqlx::query_as!(
        Found,
        r#"WITH point AS (
               SELECT coalesce($5::bigint,
                               (SELECT max(version)
                                  FROM journal
                                 WHERE aggregate_id = $4 AND occurred_at <= $6::timestamptz),
                               0) AS version),
           last AS (
               SELECT version, log_offset FROM journal WHERE aggregate_id = $4 ORDER BY version DESC LIMIT 1)
           SELECT read_position($1, $2, $3, $4) AS "position!: Json<ReadPosition>",
                  json_build_object(
                      'entries',
                      (SELECT coalesce(json_agg(entry), '[]')
                         FROM (SELECT version, occurred_at, event_type, event
                                 FROM journal
                                WHERE aggregate_id = $4 AND version <= point.version
                                  AND coalesce(aggregate_kind, $7) = $7
                                ORDER BY version) AS entry),
                      'next_version',
                      (SELECT min(version)
                         FROM journal
                        WHERE aggregate_id = $4 AND version > point.version
                          AND coalesce(aggregate_kind, $7) = $7),
                      'is_cut',
                      parked_since($1, $2, $3, $4) IS NOT NULL
                      OR EXISTS (SELECT
                                   FROM dropped_event LEFT JOIN last ON true
                                  WHERE projection = $1 AND topic = $2 AND partition = $3 AND aggregate = $4
                                    AND dropped_event.log_offset > coalesce(last.log_offset, -1)
                                    AND coalesce(dropped_event.version > last.version, true))
                  ) AS "found!: Json<Rows>"
             FROM point"#,
        scope.projection,
        scope.topic,
        scope.partition,
        scope.aggregate_id,
        point.version(),
        point.as_of(),
        scope.aggregate_kind(),
    )
    .fetch_one(scope.pool())
    .await?;
    Ok(Found { position, found: found.0.decode(scope.aggregate_id.as_deref().unwrap_or_default())? })
}

/// An [`EventHistory`] as JSON.
#[derive(Deserialize)]
struct Rows {
    entries: Vec<Row>,
    next_version: Option<u64>,
    is_cut: bool,
}

#[derive(Deserialize)]
struct Row {
    version: Version,
    #[serde(with = "time::serde::rfc3339")]
    occurred_at: OffsetDateTime,
    event_type: String,
    event: Value,
}

impl Rows {
    fn decode<E: Message>(self, aggregate_id: &str) -> Result<EventHistory<E>, sqlx::Error> {
        let entries = self.entries.into_iter().map(|row| row.decode(aggregate_id)).collect::<Result<_, _>>();
        Ok(EventHistory { entries: entries?, next_version: self.next_version, is_cut: self.is_cut })
    }
}

impl Row {
    /// Fails for an unknown event type, which a newer version of the service must have written.
    fn decode<E: Message>(self, aggregate_id: &str) -> Result<JournalEntry<E>, sqlx::Error> {
        let Self { version, occurred_at, event_type, event } = self;
        let event = E::decode(&event_type, JsonPayload(event))
            .map_err(|error| sqlx::Error::Decode(error.into()))?
            .ok_or_else(|| sqlx::Error::Decode(format!("unknown event type {event_type}").into()))?;
        Ok(JournalEntry { aggregate_id: aggregate_id.to_owned(), version, occurred_at, event })
    }
}

/// The fields of an event, as stored in the journal.
struct JsonPayload(Value);

impl Payload for JsonPayload {
    type Error = serde_json::Error;

    fn read<T: DeserializeOwned>(self) -> Result<T, serde_json::Error> {
        serde_json::from_value(self.0)
    }
}
