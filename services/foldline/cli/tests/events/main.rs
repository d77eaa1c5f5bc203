//! The commands that print and copy events, with a real Kafka and command API.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![allow(clippy::disallowed_methods, reason = "a test may block its thread")]

mod export;
mod history;
mod installation;
mod tail;
