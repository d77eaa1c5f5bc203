use sqlx::PgConnection;

use crate::{History, ProjectionError};

/// Turns the events of a topic into rows.
pub trait Projection: Send + Sync + 'static {
    /// The name of the projection in checkpoints and generations. It must never change.
    const NAME: &'static str;

    /// Must be incremented with every change of the rows that events lead to. Tables that were filled by another
    /// version are not continued; they have to be rebuilt.
    const VERSION: i32;

    /// The tables that the projection fills. No other projection may write to them.
    const TABLES: &'static [&'static str];

    /// The events that the projection reads.
    type Event: aggregate::Message;

    /// Whether the projection wants events of this type, such as `OrderPlaced`. Others are skipped without being
    /// decoded.
    fn wants(_event_type: &str) -> bool {
        true
    }

    /// Applies events to the rows, in the transaction that also moves the checkpoint. Statements must name tables
    /// without a schema: the connection's search path selects those of the generation that is being filled.
    ///
    /// If the rows contain the version of an aggregate, it must equal [`History::before`]; otherwise fail with
    /// [`History::does_not_follow`]. An error rolls the transaction back, and the events are applied again later, so
    /// this must have no effect outside the transaction.
    fn apply(
        &self,
        transaction: &mut PgConnection,
        batch: &[&History<Self::Event>],
    ) -> impl Future<Output = Result<(), ProjectionError>> + Send;

    /// Applies events to tables that are being built: many at once, most of them of new aggregates. The rows must be
    /// the same as those of [`apply`](Self::apply); `COPY` with [`CopyRows`](crate::CopyRows) is the fastest way to
    /// write them.
    fn load(
        &self,
        transaction: &mut PgConnection,
        batch: &[&History<Self::Event>],
    ) -> impl Future<Output = Result<(), ProjectionError>> + Send {
        self.apply(transaction, batch)
    }
}
