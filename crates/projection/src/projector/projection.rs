use sqlx::PgConnection;

use crate::{History, ProjectionError};

/// How the events of a topic become rows.
pub trait Projection: Send + Sync + 'static {
    /// The name under which checkpoints and generations are kept. It never changes.
    const NAME: &'static str;

    /// Incremented with every change of the rows that events lead to. Tables that another version has filled are not
    /// continued; they have to be rebuilt.
    const VERSION: i32;

    /// The tables that it fills; no other projection writes to them.
    const TABLES: &'static [&'static str];

    /// The events that it reads.
    type Event: aggregate::Message;

    /// Whether it reads events of this type, such as `OrderPlaced`; others are skipped without being decoded.
    fn wants(_event_type: &str) -> bool {
        true
    }

    /// Applies events to the rows, in the transaction that also moves the checkpoint. Tables are named without a
    /// schema: the connection's search path finds those of the generation that is being filled.
    ///
    /// If the rows hold the version of an aggregate, it must be [`History::before`]; otherwise fail with
    /// [`History::does_not_follow`]. A failure rolls everything back, and the events are applied again later. So it
    /// must have no effect outside of this transaction.
    fn apply(
        &self,
        transaction: &mut PgConnection,
        batch: &[&History<Self::Event>],
    ) -> impl Future<Output = Result<(), ProjectionError>> + Send;

    /// Applies events to tables that are being built: many at a time, most of them of new aggregates. It must lead to
    /// the same rows as [`apply`](Self::apply); `COPY` with [`CopyRows`](crate::CopyRows) is the fastest way.
    fn load(
        &self,
        transaction: &mut PgConnection,
        batch: &[&History<Self::Event>],
    ) -> impl Future<Output = Result<(), ProjectionError>> + Send {
        self.apply(transaction, batch)
    }
}
