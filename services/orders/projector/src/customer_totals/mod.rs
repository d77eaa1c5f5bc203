//! What each customer has ordered, by currency: the table `customer_totals`.
//!
//! A customer's orders are in several partitions, so several projectors may write the row of one customer. They only
//! ever add to it: then it does not matter who comes first.

mod event;
mod rows;
#[cfg(test)]
mod tests;

use projection::{History, Projection, ProjectionError};
use sqlx::PgConnection;

use self::event::Event;
use crate::order_id::order_id;

/// What orders that are placed and cancelled mean for the totals of their customers.
pub(crate) struct CustomerTotals;

impl Projection for CustomerTotals {
    /// The query API looks for its checkpoints by the same name.
    const NAME: &str = "customer_totals";
    const VERSION: i32 = 1;
    const TABLES: &[&str] = &["customer_totals", "customer_open_orders"];
    type Event = Event;

    fn wants(event_type: &str) -> bool {
        matches!(event_type, "OrderPlaced" | "OrderCancelled")
    }

    async fn apply(
        &self,
        transaction: &mut PgConnection,
        batch: &[&History<Event>],
    ) -> Result<(), ProjectionError> {
        let (mut placed, mut cancellations) = (Vec::new(), Vec::new());
        for happened in batch.iter().flat_map(|history| history.events()) {
            let order_id = order_id(happened)?;
            match &happened.event {
                Event::OrderPlaced(order) => {
                    placed.push(rows::Order::new(order_id, order, happened.envelope.time));
                }
                Event::OrderCancelled(_) => cancellations.push((order_id, happened)),
            }
        }
        rows::open(transaction, &placed).await?;
        let cancelled = rows::close(transaction, &cancellations).await?;
        rows::count(transaction, &placed, &cancelled).await
    }
}
