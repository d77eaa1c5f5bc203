//! The engine as its callers meet it, over a log in memory that fails on demand. What only a real Kafka can show is
//! tested elsewhere.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod broken_history;
mod deadlines;
mod doubt_after;
mod doubt_before;
mod expected_versions;
mod groups;
mod limits;
mod ownership;
mod random;
mod repeats;
mod stop;
mod support;
