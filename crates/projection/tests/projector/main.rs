//! Projectors with a small projection on a real log and database. The rows are compared with a fold that does not use
//! SQL.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![allow(clippy::disallowed_methods, reason = "a test may block its thread")]

mod accounts;
mod batches;
mod environment;
mod events;
mod expected;
mod generations;
mod hidden;
mod journal;
mod limit;
mod log;
mod parked;
mod parking;
mod poison;
mod positions;
mod registry;
mod running;
mod shared;
mod zombies;
