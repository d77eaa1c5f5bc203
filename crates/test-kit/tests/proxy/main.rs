//! The Kafka proxy in front of a real broker: nothing bypasses it, and each fault has its documented effect.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![allow(clippy::disallowed_methods, reason = "a test may block its thread")]

mod faults;
mod passing;
mod writer;
