//! The journal of orders: every event as a row, for what was at an earlier version or time.

mod entry;
mod rows;

use orders_domain::Event;
use projection::{History, Projection, ProjectionError};
use sqlx::PgConnection;

use self::entry::Entry;

/// Every event of an order is a row, with who caused it and where it stands in the log.
pub(crate) struct OrderJournal;

impl Projection for OrderJournal {
    /// The query API looks for its checkpoints by the same name.
    const NAME: &str = "order_journal";
    const VERSION: i32 = 1;
    const TABLES: &[&str] = &["order_journal"];
    type Event = Event;

    async fn apply(
        &self,
        transaction: &mut PgConnection,
        batch: &[&History<Event>],
    ) -> Result<(), ProjectionError> {
        let entries = batch.iter().map(|history| Entry::all_of(history)).collect::<Result<Vec<_>, _>>()?;
        rows::insert(transaction, &entries.concat()).await
    }
}
