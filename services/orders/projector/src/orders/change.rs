use aggregate::Version;
use orders_domain::{
    Event,
    events::{DeliveryAddress, OrderPlaced},
};
use projection::{History, ProjectionError, RecordedEvent};
use time::OffsetDateTime;
use uuid::Uuid;

/// The events of a batch for one order, folded into one change.
#[derive(Debug)]
pub(crate) struct Change<'b> {
    pub(crate) history: &'b History<Event>,
    pub(crate) order_id: Uuid,
    pub(crate) placed: Option<Placed<'b>>,
    /// The new address, if it changes.
    pub(crate) delivery_address: Option<&'b DeliveryAddress>,
    pub(crate) cancelled: Option<Cancelled<'b>>,
}

/// The order is new in this batch.
#[derive(Debug)]
pub(crate) struct Placed<'b> {
    pub(crate) order: &'b OrderPlaced,
    pub(crate) at: OffsetDateTime,
}

/// The order is cancelled in this batch.
#[derive(Debug)]
pub(crate) struct Cancelled<'b> {
    pub(crate) reason: &'b str,
    pub(crate) at: OffsetDateTime,
}

impl<'b> Change<'b> {
    pub(crate) fn of(history: &'b History<Event>) -> Result<Self, ProjectionError> {
        let mut change = Self {
            history,
            order_id: history.aggregate_id_as()?,
            placed: None,
            delivery_address: None,
            cancelled: None,
        };
        for recorded in history.events() {
            change.include(recorded)?;
        }
        Ok(change)
    }

    fn include(&mut self, recorded: &'b RecordedEvent<Event>) -> Result<(), ProjectionError> {
        let at = recorded.envelope.time;
        let is_first = recorded.envelope.version == Version::NONE.next();
        match &recorded.event {
            Event::OrderPlaced(order) if is_first => {
                self.placed = Some(Placed { order, at });
                self.delivery_address = Some(&order.delivery_address);
            }
            Event::OrderPlaced(_) => {
                return Err(recorded.unfit("an order is placed by its first event only"));
            }
            _ if is_first => return Err(recorded.unfit("the first event of an order must place it")),
            Event::DeliveryAddressChanged(changed) => {
                self.delivery_address = Some(&changed.delivery_address);
            }
            Event::OrderCancelled(cancelled) => {
                self.cancelled = Some(Cancelled { reason: &cancelled.reason, at });
            }
        }
        Ok(())
    }

    pub(crate) fn before(&self) -> i64 {
        self.history.before().0.cast_signed()
    }

    pub(crate) fn version(&self) -> i64 {
        self.history.last().envelope.version.0.cast_signed()
    }

    pub(crate) fn updated_at(&self) -> OffsetDateTime {
        self.history.last().envelope.time
    }

    /// A part of the new address.
    pub(crate) fn address(&self, part: fn(&'b DeliveryAddress) -> &'b str) -> Option<&'b str> {
        self.delivery_address.map(part)
    }

    pub(crate) fn cancellation_reason(&self) -> Option<&'b str> {
        self.cancelled.as_ref().map(|cancelled| cancelled.reason)
    }

    pub(crate) fn cancelled_at(&self) -> Option<OffsetDateTime> {
        self.cancelled.as_ref().map(|cancelled| cancelled.at)
    }
}
