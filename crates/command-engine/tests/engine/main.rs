//! Tests of the engine through its public API, over a log in memory that fails on demand. `crates/event-log` and the
//! services test against a real Kafka.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![allow(clippy::disallowed_methods, reason = "a test may block its thread")]

mod broken_history;
mod deadlines;
mod deliveries;
mod doubt_after;
mod doubt_before;
mod expected_versions;
mod foreign_snapshots;
mod groups;
mod hand_over;
mod limits;
mod outcomes;
mod overlap;
mod ownership;
mod panics;
mod partitions;
mod random;
mod repeats;
mod stop;
mod support;
