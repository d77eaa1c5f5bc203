//! The journal, a projection that any context can run as it is: every event becomes a row, for the state of an aggregate
//! at an earlier version or time, its history and the change stream.

mod insert;
mod json_event;
#[cfg(test)]
mod tests;

use sqlx::PgConnection;

use self::json_event::JsonEvent;
use crate::{History, Projection, ProjectionError};

/// Fills the table `journal` of the platform's migrations with every event of a context, in `projectors.run(Journal)`. It
/// needs no knowledge of the events: their fields are those of the schemas they were written with.
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
