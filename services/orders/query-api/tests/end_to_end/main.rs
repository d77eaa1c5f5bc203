//! End-to-end tests of orders: placed over HTTP, counted with Kafka's own consumer, and compared row by row in
//! Postgres.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![allow(clippy::disallowed_methods, reason = "a test may block its thread")]

mod fold;
mod killed_projector;
mod model;
mod orders;
mod read_your_writes;
mod thousand_orders;
mod time_travel;
