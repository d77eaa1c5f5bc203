use orders_domain::Event;
use projection::{History, Projection, ProjectionError};
use sqlx::PgConnection;

use crate::{change::Change, rows};

/// What the events of orders mean as rows.
pub(crate) struct Orders;

impl Orders {
    /// Names its checkpoints; the query API looks for them by the same name.
    pub(crate) const NAME: &str = "orders";
}

impl Projection for Orders {
    type Event = Event;

    async fn apply(
        &mut self,
        transaction: &mut PgConnection,
        batch: &[&History<Event>],
    ) -> Result<(), ProjectionError> {
        let changes = batch.iter().map(|history| Change::of(history)).collect::<Result<Vec<_>, _>>()?;
        let (placed, known): (Vec<_>, Vec<_>) =
            changes.into_iter().partition(|change| change.placed.is_some());
        rows::insert_orders(transaction, &placed).await?;
        rows::insert_lines(transaction, &placed).await?;
        rows::update_orders(transaction, &known).await
    }
}
