//! What cannot be applied is parked: the event, and all later ones of its aggregate, in order, so that the others go on.
//!
//! What it must never do: skip an event silently, let a later event of an aggregate overtake a parked one, or park for
//! a reason that is not the event's own. `migrations/orders_read/0004_parking.sql` creates the tables.

pub mod dead_letters;
mod dropped;
mod event;
mod intake;

mod obstacle;
mod retry;
mod roll;
mod strand;
mod table;

pub(crate) use event::ParkedEvent;
pub(crate) use intake::Parking;
pub(crate) use obstacle::Obstacle;
pub(crate) use retry::Reading as ReadingAgain;
pub(crate) use strand::Strand;
pub(crate) use table::insert;
