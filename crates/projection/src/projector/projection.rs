use sqlx::PgConnection;

use crate::{History, ProjectionError};

/// What the events of one topic mean as rows.
pub trait Projection: Send + Sync + 'static {
    /// Names it, for ever: its checkpoints and generations are kept under this name.
    const NAME: &'static str;

    /// Counts on with every change of what the rows say. Tables that another version has filled are not continued: they
    /// have to be rebuilt.
    const VERSION: i32;

    /// The tables that it fills; no other projection writes them.
    const TABLES: &'static [&'static str];

    /// What is read from the log.
    type Event: aggregate::Message;

    /// Whether events of this type, `OrderPlaced`, mean anything here; others are passed over unread.
    fn wants(_event_type: &str) -> bool {
        true
    }

    /// Writes what happened into the rows, inside of the transaction that also moves the checkpoint. Tables are named
    /// without a schema: the connection finds those of the generation that is being filled.
    ///
    /// Where it keeps the version of an aggregate it must find [`History::before`] there, and fail with
    /// [`History::does_not_follow`] where it does not. It is called once for each event that stays: a failure, or
    /// somebody newer, undoes it. So it has no effect but in this transaction.
    fn apply(
        &self,
        transaction: &mut PgConnection,
        batch: &[&History<Self::Event>],
    ) -> impl Future<Output = Result<(), ProjectionError>> + Send;

    /// Writes the same rows as [`apply`](Self::apply), into tables that are being built: many events at a time, most of
    /// which are of aggregates that are new. `COPY` is the quickest way to write those.
    fn load(
        &self,
        transaction: &mut PgConnection,
        batch: &[&History<Self::Event>],
    ) -> impl Future<Output = Result<(), ProjectionError>> + Send {
        self.apply(transaction, batch)
    }
}
