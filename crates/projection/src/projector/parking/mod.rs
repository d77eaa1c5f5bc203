//! Parking: an event that cannot be applied is set aside together with all later events of its aggregate, so that other
//! aggregates are not held up.
//!
//! A projector must never skip an event silently, apply a later event of an aggregate before a parked one, or park an
//! event because of an error that has nothing to do with the event.

mod dropped;
mod event;
mod intake;
mod park_reason;
pub mod parked_events;
mod parked_index;
mod pending_events;
mod retry;
mod table;

pub(crate) use event::ParkedEvent;
pub(crate) use intake::Parking;
pub(crate) use park_reason::ParkReason;
pub(crate) use pending_events::PendingEvents;
pub(crate) use retry::RecordDecoder;
pub(crate) use table::insert;
