//! Projectors on the real log and the real database, on a small projection of their own, beside a fold that knows
//! nothing of SQL.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![allow(clippy::disallowed_methods, reason = "a test may block its thread")]

mod accounts;
mod batches;
mod environment;
mod events;
mod expected;
mod generations;
mod journal;
mod limit;
mod log;
mod parked;
mod parking;
mod poison;
mod registry;
mod running;
mod zombies;
