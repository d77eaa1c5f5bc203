//! The command API of orders as its callers meet it: the real process, over HTTP, on a real Kafka and registry.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod bad_input;
mod commands;
mod guarantees;
mod life;
mod refusals;
mod support;
