//! The journal, a projection that any context can run without changes. It stores every event as a row, for histories,
//! earlier states of aggregates, and change streams.

mod insert;
mod json_event;
#[cfg(test)]
mod tests;

use sqlx::PgConnection;

use self::json_event::JsonEvent;
use crate::{History, Projection, ProjectionError};

/// Fills the table `journal` of the platform's migrations with every event of a context: `projectors.run(Journal)`. It
/// does not need to know the event types: the fields are those of the schemas that the events were written with.
pub struct Journal;

impl Projection for Journal {
    const NAME: &str = "journal";
    const VERSION: i32 = 1;
    const TABLES: &[&str] = &["journal"];
    type Event = JsonEvent;

    async fn apply(
        &self,
        transaction: &mut PgConnection,
        batch: &[&History<JsonEvent>],
    ) -> Result<(), ProjectionError> {
        insert::insert(transaction, batch).await
    }
}
