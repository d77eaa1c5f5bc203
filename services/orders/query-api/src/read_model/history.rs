use projection::{PartitionOffsets, Query};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::ReadModel;
use crate::{
    desk::ORDER_JOURNAL,
    document::{PastEvent, Position},
};

/// So many events of one order after a version, `None` where there is no such order, and where its partition stands
/// in the journal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OneHistory<'m> {
    pub(crate) read_model: &'m ReadModel,
    pub(crate) order_id: Uuid,
    pub(crate) after: i64,
    pub(crate) limit: i64,
}

impl Query for OneHistory<'_> {
    type Answer = Option<Vec<PastEvent>>;
    type Error = sqlx::Error;

    async fn ask(&self) -> Result<(Option<Vec<PastEvent>>, PartitionOffsets), sqlx::Error> {
        self.read_model.history(self.order_id, self.after, self.limit).await
    }
}

/// A row beside which the checkpoints stand, so that there is a row also where there is no event.
struct Row {
    partitions: Vec<i32>,
    next_offsets: Vec<i64>,
    is_known: bool,
    log_offset: Option<i64>,
    version: Option<i64>,
    event_id: Option<Uuid>,
    event_type: Option<String>,
    event: Option<Value>,
    occurred_at: Option<OffsetDateTime>,
    actor: Option<String>,
    command_id: Option<Uuid>,
    correlation_id: Option<String>,
    causation_id: Option<String>,
}

impl ReadModel {
    async fn history(
        &self,
        order_id: Uuid,
        after: i64,
        limit: i64,
    ) -> Result<(Option<Vec<PastEvent>>, PartitionOffsets), sqlx::Error> {
        let partition = self.partition_of(order_id);
        let rows = sqlx::query_as!(
            Row,
            r#"WITH page AS (
                   SELECT *
                     FROM order_journal
                    WHERE order_id = $4 AND version > $5
                    ORDER BY version
                    LIMIT $6)
               SELECT stand.partitions AS "partitions!", stand.next_offsets AS "next_offsets!",
                      EXISTS (SELECT FROM order_journal WHERE order_id = $4) AS "is_known!",
                      log_offset AS "log_offset?", version AS "version?", event_id AS "event_id?",
                      event_type AS "event_type?", event AS "event?", occurred_at AS "occurred_at?",
                      actor AS "actor?", command_id AS "command_id?", correlation_id AS "correlation_id?",
                      causation_id AS "causation_id?"
                 FROM (SELECT coalesce(array_agg(partition), '{}') AS partitions,
                              coalesce(array_agg(next_offset), '{}') AS next_offsets
                         FROM checkpoint JOIN projection_generation USING (projection, generation)
                        WHERE state = 'live' AND projection = $1 AND topic = $2 AND partition = $3) AS stand
                 LEFT JOIN page ON true
                ORDER BY version"#,
            ORDER_JOURNAL,
            self.source.topic,
            partition,
            order_id,
            after,
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        let offsets = rows.first().map(Row::offsets).unwrap_or_default();
        let is_known = rows.first().is_some_and(|row| row.is_known);
        let events = rows.into_iter().filter_map(|row| row.into_event(&self.source.topic, partition));
        Ok((is_known.then(|| events.collect()), offsets))
    }
}

impl Row {
    fn offsets(&self) -> PartitionOffsets {
        self.partitions.iter().copied().zip(self.next_offsets.iter().copied()).collect()
    }

    /// The event, if this row has one: then all of its columns are there.
    fn into_event(self, topic: &str, partition: i32) -> Option<PastEvent> {
        Some(PastEvent {
            version: self.version?,
            r#type: self.event_type?,
            id: self.event_id?,
            occurred_at: self.occurred_at?,
            actor: self.actor?,
            command_id: self.command_id?,
            correlation_id: self.correlation_id?,
            causation_id: self.causation_id?,
            position: Position { topic: topic.to_owned(), partition, offset: self.log_offset? },
            data: self.event?,
        })
    }
}
