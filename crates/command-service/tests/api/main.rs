//! The contract of every command API, on small contexts of its own: over HTTP, on a real Kafka, registry and Postgres.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod account;
mod bank;
mod card;
mod commands;
mod description;
mod instances;
mod respond_async;
mod several_aggregates;
mod support;
