use aggregate::{Message as _, Payload};
use orders_domain::Event;
use projection::{PartitionOffsets, Query};
use serde::de::DeserializeOwned;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::ReadModel;
use crate::{
    desk::ORDER_JOURNAL,
    moment::PointInTime,
    past::{Entry, EventHistory},
};

/// What an order was, and where its partition stands in the journal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OnePast<'m> {
    pub(crate) read_model: &'m ReadModel,
    pub(crate) order_id: Uuid,
    pub(crate) moment: PointInTime,
}

impl Query for OnePast<'_> {
    type Answer = EventHistory;
    type Error = sqlx::Error;

    async fn ask(&self) -> Result<(EventHistory, PartitionOffsets), sqlx::Error> {
        self.read_model.past(self.order_id, self.moment).await
    }
}

/// A row beside which the checkpoints stand, so that there is a row also where there is no event.
struct Row {
    partitions: Vec<i32>,
    next_offsets: Vec<i64>,
    next_version: Option<i64>,
    is_cut: bool,
    version: Option<i64>,
    occurred_at: Option<OffsetDateTime>,
    event_type: Option<String>,
    event: Option<Value>,
}

impl ReadModel {
    async fn past(
        &self,
        order_id: Uuid,
        moment: PointInTime,
    ) -> Result<(EventHistory, PartitionOffsets), sqlx::Error> {
        // Up to the last event that was not after the time. Clocks differ, so earlier ones may say a later time.
        let rows = sqlx::query_as!(
            Row,
            r#"WITH moment AS (
                   SELECT coalesce($5::bigint,
                                   (SELECT max(version)
                                      FROM order_journal
                                     WHERE order_id = $4 AND occurred_at <= $6::timestamptz),
                                   0) AS version),
               last AS (
                   SELECT version, log_offset
                     FROM order_journal
                    WHERE order_id = $4
                    ORDER BY version DESC
                    LIMIT 1)
               SELECT stand.partitions AS "partitions!", stand.next_offsets AS "next_offsets!",
                      (SELECT min(later.version)
                         FROM order_journal AS later
                        WHERE later.order_id = $4 AND later.version > moment.version) AS next_version,
                      (parked_since($1, $2, $3, ($4::uuid)::text) IS NOT NULL
                       OR EXISTS (SELECT
                                    FROM dropped_event LEFT JOIN last ON true
                                   WHERE projection = $1 AND topic = $2 AND partition = $3
                                     AND aggregate = ($4::uuid)::text
                                     AND dropped_event.log_offset > coalesce(last.log_offset, -1)
                                     AND coalesce(dropped_event.version > last.version, true))) AS "is_cut!",
                      entry.version AS "version?", occurred_at AS "occurred_at?",
                      event_type AS "event_type?", event AS "event?"
                 FROM (SELECT coalesce(array_agg(partition), '{}') AS partitions,
                              coalesce(array_agg(next_offset), '{}') AS next_offsets
                         FROM checkpoint JOIN projection_generation USING (projection, generation)
                        WHERE state = 'live' AND projection = $1 AND topic = $2 AND partition = $3) AS stand
                CROSS JOIN moment
                 LEFT JOIN order_journal AS entry
                   ON entry.order_id = $4 AND entry.version <= moment.version
                ORDER BY entry.version"#,
            ORDER_JOURNAL,
            self.source.topic,
            self.partition_of(order_id),
            order_id,
            moment.version(),
            moment.as_of(),
        )
        .fetch_all(&self.pool)
        .await?;
        let next_version = rows.first().and_then(|row| row.next_version);
        let is_cut = rows.first().is_some_and(|row| row.is_cut);
        let offsets = rows.first().map(Row::offsets).unwrap_or_default();
        let entries = rows.into_iter().filter_map(Row::into_entry).collect::<Result<_, _>>()?;
        Ok((EventHistory { order_id, entries, next_version, is_cut }, offsets))
    }
}

impl Row {
    fn offsets(&self) -> PartitionOffsets {
        self.partitions.iter().copied().zip(self.next_offsets.iter().copied()).collect()
    }

    /// The event, if this row has one: then all of its columns are there.
    fn into_entry(self) -> Option<Result<Entry, sqlx::Error>> {
        let (version, occurred_at) = (self.version?, self.occurred_at?);
        let event = read(&self.event_type?, self.event?);
        Some(event.map(|event| Entry { version, occurred_at, event }))
    }
}

/// The fields of an event, as the journal has them.
struct Fields(Value);

impl Payload for Fields {
    type Error = serde_json::Error;

    fn read<T: DeserializeOwned>(self) -> Result<T, serde_json::Error> {
        serde_json::from_value(self.0)
    }
}

/// A type that is not known here was written by a newer projector.
fn read(event_type: &str, fields: Value) -> Result<Event, sqlx::Error> {
    Event::decode(event_type, Fields(fields)).map_err(|error| sqlx::Error::Decode(error.into()))?.ok_or_else(
        || sqlx::Error::Decode(format!("events of the type {event_type} are not known here").into()),
    )
}
