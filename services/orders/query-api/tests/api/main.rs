//! Tests the query API of orders over HTTP, together with the command API and the projector.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod bad_input;
mod changes;
mod consistency_tokens;
mod customer_totals;
mod events;
mod journal;
mod lists;
mod metrics;
mod parked;
mod services;
mod sessions;
mod single_order;
mod time_travel;
