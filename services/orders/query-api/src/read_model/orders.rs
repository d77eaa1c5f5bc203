use projection::{PartitionOffsets, Query};
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{ReadModel, row::Row};
use crate::{
    document::{Order, OrderLine, Status},
    parked::Parked,
};

/// Which orders are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) customer_id: Option<String>,
    pub(crate) status: Option<Status>,
}

/// The last order of the page before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct After {
    pub(crate) placed_at: OffsetDateTime,
    pub(crate) order_id: Uuid,
}

/// So many orders from the newest to the oldest, the first event that is parked in each partition, and where they stand.
#[derive(Debug, Clone)]
pub(crate) struct ManyOrders<'m> {
    pub(crate) read_model: &'m ReadModel,
    pub(crate) filter: Filter,
    pub(crate) after: Option<After>,
    pub(crate) limit: i64,
}

impl Query for ManyOrders<'_> {
    type Answer = (Vec<Order>, Parked);
    type Error = sqlx::Error;

    async fn ask(&self) -> Result<((Vec<Order>, Parked), PartitionOffsets), sqlx::Error> {
        self.read_model.orders(&self.filter, self.after, self.limit).await
    }
}

impl ReadModel {
    async fn orders(
        &self,
        filter: &Filter,
        after: Option<After>,
        limit: i64,
    ) -> Result<((Vec<Order>, Parked), PartitionOffsets), sqlx::Error> {
        let mut transaction = self.begin_planning().await?;
        let rows = sqlx::query_as!(
            Row,
            r#"WITH page AS (
                   SELECT *
                     FROM orders
                    WHERE ($3::text IS NULL OR customer_id = $3)
                      AND ($4::text IS NULL OR status = $4)
                      AND ($5::timestamptz IS NULL OR (placed_at, order_id) < ($5, $6::uuid))
                    ORDER BY placed_at DESC, order_id DESC
                    LIMIT $7)
               SELECT stand.partitions AS "partitions!", stand.next_offsets AS "next_offsets!",
                      stand.parked AS "parked!: Vec<Option<i64>>",
                      page.order_id AS "order_id?", version AS "version?", status AS "status?: Status",
                      customer_id AS "customer_id?", currency AS "currency?", total_minor AS "total_minor?",
                      (SELECT json_agg(json_build_object('sku', sku, 'quantity', quantity,
                                                         'unit_price_minor', unit_price_minor)
                                       ORDER BY line_number)
                         FROM order_lines
                        WHERE order_lines.order_id = page.order_id) AS "lines?: Json<Vec<OrderLine>>",
                      delivery_name AS "delivery_name?", delivery_street AS "delivery_street?",
                      delivery_postal_code AS "delivery_postal_code?", delivery_city AS "delivery_city?",
                      delivery_country AS "delivery_country?", cancellation_reason AS "cancellation_reason?",
                      placed_at AS "placed_at?", updated_at AS "updated_at?", cancelled_at AS "cancelled_at?"
                 FROM (SELECT coalesce(array_agg(partition), '{}') AS partitions,
                              coalesce(array_agg(next_offset), '{}') AS next_offsets,
                              coalesce(array_agg(parked_since($1, $2, partition)), '{}') AS parked
                         FROM checkpoint JOIN projection_generation USING (projection, generation)
                        WHERE state = 'live' AND projection = $1 AND topic = $2) AS stand
                 LEFT JOIN page ON true
                ORDER BY placed_at DESC, page.order_id DESC"#,
            self.source.projection,
            self.source.topic,
            filter.customer_id,
            filter.status as Option<Status>,
            after.map(|after| after.placed_at),
            after.map(|after| after.order_id),
            limit,
        )
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        let (offsets, parked) = rows.first().map(|row| (row.offsets(), row.parked())).unwrap_or_default();
        Ok(((rows.into_iter().filter_map(Row::into_order).collect(), parked), offsets))
    }
}
