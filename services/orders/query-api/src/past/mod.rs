//! What an order was: its events in the journal, folded up to a moment. An event that is missing there is never
//! passed over.

mod fold;
#[cfg(test)]
mod tests;

use orders_domain::Event;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{document::Order, moment::PointInTime};

/// An event of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) version: i64,
    pub(crate) occurred_at: OffsetDateTime,
    pub(crate) event: Event,
}

/// What the journal has of an order, as far as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EventHistory {
    pub(crate) order_id: Uuid,
    /// Up to the moment, in the order of their versions.
    pub(crate) entries: Vec<Entry>,
    /// The version of the first event after them.
    pub(crate) next_version: Option<i64>,
    /// Whether events after the last one of the journal are parked or were dropped.
    pub(crate) is_cut: bool,
}

/// Why it cannot be told what an order was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Untold {
    /// The journal has nothing of it.
    #[error("there is no such order")]
    OrderNotFound,
    /// It has no such version yet, or was not placed yet.
    #[error("the order has no such version")]
    VersionNotFound,
    /// The log has the event, but the journal does not: it is parked, or was dropped.
    #[error("the event that led to version {0} is not in the journal")]
    Missing(i64),
    /// It is not the history of an order.
    #[error("the event that led to version {0} cannot come there")]
    OutOfPlace(i64),
}

impl EventHistory {
    /// The order as it was at the moment up to which this was asked for.
    pub(crate) fn tell(&self, moment: PointInTime) -> Result<Order, Untold> {
        self.require(moment)?;
        fold::fold(self.order_id, &self.entries)
    }

    /// The last version at the moment, 0 where there was none.
    fn version(&self) -> i64 {
        self.entries.last().map_or(0, |entry| entry.version)
    }

    /// Where the next event is missing, it is not known when it was: it may have been before the moment.
    fn require(&self, moment: PointInTime) -> Result<(), Untold> {
        let following = self.version() + 1;
        match (moment.version(), self.next_version) {
            (Some(wanted), _) if wanted == self.version() => Ok(()),
            (_, Some(next)) if next != following => Err(Untold::Missing(following)),
            (_, None) if self.is_cut => Err(Untold::Missing(following)),
            (_, None) if self.entries.is_empty() => Err(Untold::OrderNotFound),
            (None, _) if !self.entries.is_empty() => Ok(()),
            _ => Err(Untold::VersionNotFound),
        }
    }
}
