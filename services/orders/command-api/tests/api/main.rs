//! The command API of orders as its callers meet it: the real process, over HTTP, on a real Kafka and registry.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod bad_input;
mod commands;
mod conditions;
mod faults;
mod instances;
mod later;
mod life;
mod load;
mod refusals;
mod restarts;
mod retries;
mod support;
