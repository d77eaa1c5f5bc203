//! Snapshots and the cache over them, against a real Postgres.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod bounds;
mod bytes;
mod evicted_commands;
mod generations;
mod loss;
mod outage;
mod random;
mod reopening;
mod save_and_load;
mod support;
