//! The query API of orders from outside, beside the command API and the projector.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod bad_input;
mod changes;
mod customer_totals;
mod events;
mod freshness;
mod journal;
mod lists;
mod measures;
mod parked;
mod sessions;
mod single_order;
mod stage;
mod time_travel;
