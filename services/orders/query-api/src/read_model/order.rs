use projection::{PartitionOffsets, Query};
use sqlx::types::Json;
use uuid::Uuid;

use super::{ReadModel, row::Row};
use crate::{
    document::{Order, OrderLine, Status},
    parked::Parked,
};

/// One order, what is parked of it, and where its partition stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OneOrder<'m> {
    pub(crate) read_model: &'m ReadModel,
    pub(crate) order_id: Uuid,
}

impl Query for OneOrder<'_> {
    type Answer = (Option<Order>, Parked);
    type Error = sqlx::Error;

    async fn ask(&self) -> Result<((Option<Order>, Parked), PartitionOffsets), sqlx::Error> {
        self.read_model.order(self.order_id).await
    }
}

impl ReadModel {
    /// The partition that the events of an order are in.
    pub(crate) fn partition_of(&self, order_id: Uuid) -> i32 {
        event_log::partition_of(&order_id.into(), self.partitions)
    }

    async fn order(
        &self,
        order_id: Uuid,
    ) -> Result<((Option<Order>, Parked), PartitionOffsets), sqlx::Error> {
        let row = sqlx::query_as!(
            Row,
            r#"SELECT stand.partitions AS "partitions!", stand.next_offsets AS "next_offsets!",
                      stand.parked AS "parked!: Vec<Option<i64>>",
                      orders.order_id AS "order_id?", version AS "version?", status AS "status?: Status",
                      customer_id AS "customer_id?", currency AS "currency?", total_minor AS "total_minor?",
                      (SELECT json_agg(json_build_object('sku', sku, 'quantity', quantity,
                                                         'unit_price_minor', unit_price_minor)
                                       ORDER BY line_number)
                         FROM order_lines
                        WHERE order_lines.order_id = orders.order_id) AS "lines?: Json<Vec<OrderLine>>",
                      delivery_name AS "delivery_name?", delivery_street AS "delivery_street?",
                      delivery_postal_code AS "delivery_postal_code?", delivery_city AS "delivery_city?",
                      delivery_country AS "delivery_country?", cancellation_reason AS "cancellation_reason?",
                      placed_at AS "placed_at?", updated_at AS "updated_at?", cancelled_at AS "cancelled_at?"
                 FROM (SELECT coalesce(array_agg(partition), '{}') AS partitions,
                              coalesce(array_agg(next_offset), '{}') AS next_offsets,
                              coalesce(array_agg(parked_since($1, $2, partition, $4::uuid::text)), '{}') AS parked
                         FROM checkpoint JOIN projection_generation USING (projection, generation)
                        WHERE state = 'live' AND projection = $1 AND topic = $2 AND partition = $3) AS stand
                 LEFT JOIN orders ON orders.order_id = $4"#,
            self.source.projection,
            self.source.topic,
            self.partition_of(order_id),
            order_id,
        )
        .fetch_one(&self.pool)
        .await?;
        let (offsets, parked) = (row.offsets(), row.parked());
        Ok(((row.into_order(), parked), offsets))
    }
}
