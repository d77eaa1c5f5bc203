//! The event log on a real Kafka and a real registry: what is promised of topics, owners, replays, readers and bytes.
//! What is promised of owners holds for the twin of the broker as well.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![allow(clippy::disallowed_methods, reason = "a test may block its thread")]

mod codec;
mod command_payloads;
mod commands;
mod contract;
mod event_tail;
mod fencing;
mod foreign;
mod group_reader;
mod hostile_payloads;
mod membership;
mod outcomes;
mod owners_follower;
mod partitioner;
mod registry;
mod replay;
mod simulated;
mod support;
mod topics;
mod worlds;
mod writer;
