//! An event that cannot be applied is parked, with all later ones of its aggregate and in order, so that the others go on.
//!
//! It must never skip an event silently, let a later event of an aggregate overtake a parked one, or park an event for a
//! reason that is not the event's own.

pub mod dead_letters;
mod dropped;
mod event;
mod intake;

mod park_reason;
mod parked_index;
mod pending_events;
mod retry;
mod table;

pub(crate) use event::ParkedEvent;
pub(crate) use intake::Parking;
pub(crate) use park_reason::ParkReason;
pub(crate) use pending_events::PendingEvents;
pub(crate) use retry::Reading as ReadingAgain;
pub(crate) use table::insert;
