//! What an operator sees of the events, on the real Kafka with the real command API in front of it.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![allow(clippy::disallowed_methods, reason = "a test may block its thread")]

mod export;
mod history;
mod installation;
mod tail;
