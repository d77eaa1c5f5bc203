//! The protocol of one partition as plain steps: no thread, no pause and no decision that depends on a clock.
//!
//! A [`Writer`] owns one partition's log and cache. Whoever drives it (the engine's thread, or a test that runs several
//! writers over one simulated broker in any order) calls:
//!
//! ```text
//! warm_up* → claim → process* ──ok──→ …
//!              ↑        └─error─→ is_replaced ──yes──→ resolve; the rest is Elsewhere; release
//!              └────────────────────── no ↲  (then claim again: resolve answers what is in the log, the rest is
//!                                             decided again)
//! ```
//!
//! What must hold, in whatever order the steps of several writers come: a command is answered as done only when its
//! events are committed, and with any other certain answer only when they never will be.

pub use crate::{
    in_doubt::InDoubt,
    queued_command::{Answer, Pending, QueuedCommand},
    writer::{Unsettled, Writer},
};
