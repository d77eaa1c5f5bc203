//! The proxy before Kafka, against the real broker: nothing gets past it, and each fault does what it says.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![allow(clippy::disallowed_methods, reason = "a test may block its thread")]

mod faults;
mod passing;
mod writer;
