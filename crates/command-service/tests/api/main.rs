//! The contract of every command API, tested over HTTP with small contexts on a real Kafka, registry and Postgres.

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
mod large_commands;
mod load;
mod postgres_outages;
mod process;
mod registry_outages;
mod respond_async;
mod restarts;
mod retries;
mod several_aggregates;
mod shared;
mod startup;
