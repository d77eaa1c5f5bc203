//! The current state of each order: the tables `orders` and `order_lines`.

mod change;
mod rows;
#[cfg(test)]
mod tests;

use orders_domain::Event;
use projection::{History, Projection, ProjectionError};
use sqlx::PgConnection;

use self::change::Change;

/// Keeps a row for each order, and one for each of its lines.
pub(crate) struct Orders;

impl Projection for Orders {
    const NAME: &str = "orders";
    const VERSION: i32 = 1;
    const TABLES: &[&str] = &["orders", "order_lines"];
    type Event = Event;

    async fn apply(
        &self,
        transaction: &mut PgConnection,
        batch: &[&History<Event>],
    ) -> Result<(), ProjectionError> {
        let (placed, existing) = changes(batch)?;
        rows::insert_orders(transaction, &placed).await?;
        rows::insert_lines(transaction, &placed).await?;
        rows::update_orders(transaction, &existing).await
    }

    async fn load(
        &self,
        transaction: &mut PgConnection,
        batch: &[&History<Event>],
    ) -> Result<(), ProjectionError> {
        let (placed, existing) = changes(batch)?;
        rows::copy_orders(transaction, &placed).await?;
        rows::copy_lines(transaction, &placed).await?;
        rows::update_orders(transaction, &existing).await
    }
}

/// The changes of new orders, and those of orders that the tables already contain.
fn changes<'b>(batch: &[&'b History<Event>]) -> Result<(Vec<Change<'b>>, Vec<Change<'b>>), ProjectionError> {
    let changes = batch.iter().map(|history| Change::of(history)).collect::<Result<Vec<_>, _>>()?;
    Ok(changes.into_iter().partition(|change| change.placed.is_some()))
}
