//! Tests the command API of orders as a real process over HTTP, on a real Kafka, registry and Postgres.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod bad_input;
mod commands;
mod guarantees;
mod refusals;
mod service;
mod support;
