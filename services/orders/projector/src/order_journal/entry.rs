use orders_domain::Event;
use projection::{History, ProjectionError, RecordedEvent};
use uuid::Uuid;

use crate::order_id::order_id;

/// One event, with the history that it is a part of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'b> {
    pub(super) history: &'b History<Event>,
    pub(super) order_id: Uuid,
    pub(super) happened: &'b RecordedEvent<Event>,
}

impl<'b> Entry<'b> {
    /// Every event of an order in this batch.
    pub(super) fn all_of(history: &'b History<Event>) -> Result<Vec<Self>, ProjectionError> {
        let order_id = order_id(history.first())?;
        Ok(history.events().map(|happened| Self { history, order_id, happened }).collect())
    }

    pub(super) fn version(&self) -> i64 {
        self.happened.envelope.version.0.cast_signed()
    }

    /// The version that the journal must have already; 0 where it must not know the order.
    pub(super) fn before(&self) -> i64 {
        self.history.before().0.cast_signed()
    }
}
