//! The query API of orders from outside, beside the command API and the projector.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod bad_input;
mod freshness;
mod lists;
mod single_order;
mod stage;
