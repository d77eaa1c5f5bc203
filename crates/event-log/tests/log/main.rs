//! Tests of the event log against a real Kafka and a real registry: topics, owners, replays, readers and codec. The
//! contract of owners is also tested against the simulated broker.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![allow(clippy::disallowed_methods, reason = "a test may block its thread")]

mod codec;
mod command_payloads;
mod commands;
mod contract;
mod event_reader;
mod event_tail;
mod fencing;
mod foreign;
mod hostile_payloads;
mod layout;
mod membership;
mod outcomes;
mod owners_follower;
mod partitioner;
mod registry;
mod replay;
mod schema_ids;
mod simulated;
mod support;
mod topics;
mod worlds;
mod writer;
