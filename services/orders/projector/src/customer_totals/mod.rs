//! The totals of each customer by currency: the table `customer_totals`.
//!
//! A customer's orders are in several partitions, so several projectors may write the row of one customer. They only
//! add to it, so their order does not matter.

mod event;
mod rows;
#[cfg(test)]
mod tests;

use projection::{History, Projection, ProjectionError};
use sqlx::PgConnection;

use self::event::Event;

/// Adds placed and cancelled orders to the totals of their customers.
pub(crate) struct CustomerTotals;

impl Projection for CustomerTotals {
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
        for history in batch {
            let order_id = history.aggregate_id_as()?;
            for recorded in history.events() {
                match &recorded.event {
                    Event::OrderPlaced(order) => {
                        placed.push(rows::Order::new(order_id, order, recorded.envelope.time));
                    }
                    Event::OrderCancelled(_) => cancellations.push((order_id, recorded)),
                }
            }
        }
        rows::open(transaction, &placed).await?;
        let cancelled = rows::close(transaction, &cancellations).await?;
        rows::count(transaction, &placed, &cancelled).await
    }
}
