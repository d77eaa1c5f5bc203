use projection::{PartitionOffsets, Query};
use sqlx::types::Json;

use super::ReadModel;
use crate::{
    desk::CUSTOMER_TOTALS,
    document::{CurrencyTotals, CustomerTotals},
};

/// The totals of one customer, and where all partitions stand: the customer's orders may be in any of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TotalsOf<'m> {
    pub(crate) read_model: &'m ReadModel,
    pub(crate) customer_id: &'m str,
}

impl Query for TotalsOf<'_> {
    type Answer = CustomerTotals;
    type Error = sqlx::Error;

    async fn ask(&self) -> Result<(CustomerTotals, PartitionOffsets), sqlx::Error> {
        self.read_model.totals_of(self.customer_id).await
    }
}

impl ReadModel {
    async fn totals_of(&self, customer_id: &str) -> Result<(CustomerTotals, PartitionOffsets), sqlx::Error> {
        let row = sqlx::query!(
            r#"SELECT stand.partitions AS "partitions!", stand.next_offsets AS "next_offsets!",
                      (SELECT coalesce(json_agg(totals ORDER BY currency), '[]')
                         FROM customer_totals AS totals
                        WHERE customer_id = $3) AS "totals!: Json<Vec<CurrencyTotals>>"
                 FROM (SELECT coalesce(array_agg(partition), '{}') AS partitions,
                              coalesce(array_agg(next_offset), '{}') AS next_offsets
                         FROM checkpoint JOIN projection_generation USING (projection, generation)
                        WHERE state = 'live' AND projection = $1 AND topic = $2) AS stand"#,
            CUSTOMER_TOTALS,
            self.source.topic,
            customer_id,
        )
        .fetch_one(&self.pool)
        .await?;
        let offsets = row.partitions.into_iter().zip(row.next_offsets).collect();
        Ok((CustomerTotals { customer_id: customer_id.to_owned(), totals: row.totals.0 }, offsets))
    }
}
