//! The event log on a real Kafka and a real registry: what is promised of topics, owners, replays, readers and bytes.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod codec;
mod fencing;
mod foreign;
mod group_reader;
mod hostile_payloads;
mod partitioner;
mod registry;
mod replay;
mod support;
mod topics;
mod writer;
