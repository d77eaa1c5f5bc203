//! The contract of every command API, on small contexts of its own: over HTTP, on a real Kafka, registry and Postgres.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod account;
mod answer;
mod bank;
mod callers;
mod card;
mod commands;
mod conditions;
mod description;
mod environment;
mod instance;
mod instances;
mod load;
mod process;
mod respond_async;
mod restarts;
mod retries;
mod several_aggregates;
mod shared;
mod startup;
