use projection::PartitionOffsets;
use serde_json::{Value, json};
use service_kit::json::id_field;
use sqlx::types::Json;
use time::OffsetDateTime;

use super::Change;
use crate::{PositionBody, Projection, ReadModel};

/// The most events that are read from one partition at once.
const PAGE: u8 = 100;

/// All changes between two offsets of each partition, or those of one aggregate.
#[derive(Debug, Default)]
pub(super) struct ChangePage {
    pub(super) from: PartitionOffsets,
    pub(super) to: PartitionOffsets,
    /// Those of one partition are in log order.
    pub(super) changes: Vec<IndexedChange>,
    /// Whether there are more changes to read.
    pub(super) has_more: bool,
}

/// A change, the values it is filtered by, and its JSON, which is written once for all clients.
#[derive(Debug)]
pub(super) struct IndexedChange {
    pub(super) change: Change,
    pub(super) first_event: Option<String>,
    /// `None` in rows that were written before the journal had this column.
    pub(super) aggregate_kind: Option<String>,
    pub(super) json: String,
}

/// An event of the journal, or the checkpoint of a partition without further events.
struct Row {
    partition: i32,
    next_offset: i64,
    log_offset: Option<i64>,
    aggregate_id: Option<String>,
    aggregate_kind: Option<String>,
    first_event: Option<String>,
    version: Option<i64>,
    event_id: Option<String>,
    event_type: Option<String>,
    event: Option<Json<Value>>,
    occurred_at: Option<OffsetDateTime>,
    actor: Option<String>,
}

impl ChangePage {
    /// Reads the next events of the journal after these offsets; only those of one aggregate, if one is given.
    pub(super) async fn after(
        seen: &PartitionOffsets,
        journal: &Projection,
        first_event_field: Option<&str>,
        aggregate_id: Option<&str>,
    ) -> Result<Self, sqlx::Error> {
        let scope = journal.all();
        let (partitions, next_offsets): (Vec<_>, Vec<_>) = seen.iter().unzip();
        let mut transaction = journal.read_model().begin_planned().await?;
        let rows = sqlx::query_as!(
            Row,
            r#"SELECT live.partition, live.next_offset, log_offset AS "log_offset?",
                      aggregate_id AS "aggregate_id?", aggregate_kind, first_event, version AS "version?",
                      event_id::text AS event_id, event_type AS "event_type?",
                      event AS "event?: Json<Value>", occurred_at AS "occurred_at?", actor AS "actor?"
                 FROM (SELECT partition, next_offset
                         FROM checkpoint JOIN projection_generation USING (projection, generation)
                        WHERE state = 'live' AND projection = $1 AND topic = $2) AS live
                 LEFT JOIN unnest($3::integer[], $4::bigint[]) AS seen (partition, next_offset)
                        ON seen.partition = live.partition
                 LEFT JOIN LATERAL (
                      SELECT *, (SELECT first.event ->> $7::text
                                   FROM journal AS first
                                  WHERE $7 IS NOT NULL
                                    AND first.aggregate_id = journal.aggregate_id
                                    AND first.version = 1) AS first_event
                        FROM journal
                       WHERE journal.partition = live.partition
                         AND journal.log_offset >= coalesce(seen.next_offset, 0)
                         AND ($5::text IS NULL OR journal.aggregate_id = $5)
                       ORDER BY log_offset
                       LIMIT $6) AS event ON true
                ORDER BY live.partition, log_offset"#,
            scope.projection,
            scope.topic,
            &partitions,
            &next_offsets,
            aggregate_id,
            i64::from(PAGE),
            first_event_field,
        )
        .fetch_all(&mut *transaction)
        .await?;
        Ok(Self::of(seen, rows, journal.read_model()))
    }

    fn of(seen: &PartitionOffsets, rows: Vec<Row>, model: &ReadModel) -> Self {
        let mut page = Self { from: seen.clone(), ..Self::default() };
        for rows in rows.chunk_by(|one, next| one.partition == next.partition) {
            let last = &rows[rows.len() - 1];
            let more = (rows.len() == usize::from(PAGE)).then_some(last.log_offset).flatten();
            page.to.include(last.partition, more.map_or(last.next_offset, |offset| offset + 1));
            page.has_more |= more.is_some();
        }
        page.changes = rows.into_iter().filter_map(|row| row.into_change(model)).collect();
        page
    }
}

impl Row {
    /// The event, if this row has one. All of its columns are then set.
    fn into_change(self, model: &ReadModel) -> Option<IndexedChange> {
        let offset = self.log_offset?;
        let change = Change {
            aggregate_id: self.aggregate_id?,
            version: self.version?,
            r#type: self.event_type?,
            id: self.event_id?,
            position: PositionBody { topic: model.topic().to_owned(), partition: self.partition, offset },
            occurred_at: self.occurred_at?,
            actor: self.actor?,
            event: self.event?.0,
        };
        let kind = self.aggregate_kind.as_deref().unwrap_or_else(|| model.aggregate_kind());
        Some(IndexedChange {
            json: change.json(&id_field(kind)),
            change,
            first_event: self.first_event,
            aggregate_kind: self.aggregate_kind,
        })
    }
}

impl Change {
    fn json(&self, id_field: &str) -> String {
        let mut json = json!(self);
        json[id_field] = json!(self.aggregate_id);
        json.to_string()
    }
}

/// The offsets that the journal has reached.
pub(super) async fn offsets(journal: &Projection) -> Result<PartitionOffsets, sqlx::Error> {
    let scope = journal.all();
    let rows = sqlx::query!(
        "SELECT partition, next_offset
           FROM checkpoint JOIN projection_generation USING (projection, generation)
          WHERE state = 'live' AND projection = $1 AND topic = $2",
        scope.projection,
        scope.topic,
    )
    .fetch_all(scope.pool())
    .await?;
    Ok(rows.into_iter().map(|row| (row.partition, row.next_offset)).collect())
}
