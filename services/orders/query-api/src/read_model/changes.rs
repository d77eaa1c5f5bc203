use projection::PartitionOffsets;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::ReadModel;
use crate::{
    changes::{Change, ChangePage},
    desk::ORDER_JOURNAL,
    document::{ChangeDocument, Position},
};

/// The most events that are read of one partition at once.
const PAGE: u8 = 100;

/// An event of the journal, or the checkpoint of a partition in which nothing more has happened.
struct Row {
    partition: i32,
    next_offset: i64,
    log_offset: Option<i64>,
    order_id: Option<Uuid>,
    customer_id: Option<String>,
    version: Option<i64>,
    event_id: Option<Uuid>,
    event_type: Option<String>,
    event: Option<Json<serde_json::Value>>,
    occurred_at: Option<OffsetDateTime>,
    actor: Option<String>,
}

impl ReadModel {
    /// The next events of the journal after what has been seen, in the order of the log within each partition, and how
    /// far they lead; those of one order only if that is asked for.
    pub(crate) async fn changes_after(
        &self,
        seen: &PartitionOffsets,
        order_id: Option<Uuid>,
    ) -> Result<ChangePage, sqlx::Error> {
        let (partitions, next_offsets): (Vec<_>, Vec<_>) = seen.iter().unzip();
        let mut transaction = self.begin_planning().await?;
        let rows = sqlx::query_as!(
            Row,
            r#"SELECT stand.partition, stand.next_offset, log_offset AS "log_offset?", event.order_id AS "order_id?",
                      customer_id, version AS "version?", event_id AS "event_id?", event_type AS "event_type?",
                      event AS "event?: Json<serde_json::Value>", occurred_at AS "occurred_at?", actor AS "actor?"
                 FROM (SELECT partition, next_offset
                         FROM checkpoint JOIN projection_generation USING (projection, generation)
                        WHERE state = 'live' AND projection = $1 AND topic = $2) AS stand
                 LEFT JOIN unnest($3::integer[], $4::bigint[]) AS seen (partition, next_offset)
                        ON seen.partition = stand.partition
                 LEFT JOIN LATERAL (
                      SELECT *, (SELECT first.event ->> 'customer_id'
                                   FROM order_journal AS first
                                  WHERE first.order_id = journal.order_id AND first.version = 1) AS customer_id
                        FROM order_journal AS journal
                       WHERE journal.partition = stand.partition
                         AND journal.log_offset >= coalesce(seen.next_offset, 0)
                         AND ($5::uuid IS NULL OR journal.order_id = $5)
                       ORDER BY log_offset
                       LIMIT $6) AS event ON true
                ORDER BY stand.partition, log_offset"#,
            ORDER_JOURNAL,
            self.source.topic,
            &partitions,
            &next_offsets,
            order_id,
            i64::from(PAGE),
        )
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(self.stretch(seen, rows))
    }

    /// Where the journal stands now.
    pub(crate) async fn journal_stand(&self) -> Result<PartitionOffsets, sqlx::Error> {
        let rows = sqlx::query!(
            "SELECT partition, next_offset
               FROM checkpoint JOIN projection_generation USING (projection, generation)
              WHERE state = 'live' AND projection = $1 AND topic = $2",
            ORDER_JOURNAL,
            self.source.topic,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|row| (row.partition, row.next_offset)).collect())
    }

    fn stretch(&self, seen: &PartitionOffsets, rows: Vec<Row>) -> ChangePage {
        let mut stretch = ChangePage { from: seen.clone(), ..ChangePage::default() };
        for page in rows.chunk_by(|one, next| one.partition == next.partition) {
            let last = &page[page.len() - 1];
            let more = (page.len() == usize::from(PAGE)).then_some(last.log_offset).flatten();
            stretch.to.include(last.partition, more.map_or(last.next_offset, |offset| offset + 1));
            stretch.has_more |= more.is_some();
        }
        stretch.changes = rows.into_iter().filter_map(|row| row.into_change(&self.source.topic)).collect();
        stretch
    }
}

impl Row {
    /// The event, if this row has one: then all of its columns are there.
    fn into_change(self, topic: &str) -> Option<Change> {
        let offset = self.log_offset?;
        let document = ChangeDocument {
            order_id: self.order_id?,
            version: self.version?,
            event_type: self.event_type?,
            event_id: self.event_id?,
            position: Position { topic: topic.to_owned(), partition: self.partition, offset },
            occurred_at: self.occurred_at?,
            actor: self.actor?,
            event: self.event?.0,
        };
        Some(Change::new(document, self.customer_id))
    }
}
