//! The protocol of one partition, for tests that run several instances over one simulated broker.
//!
//! A [`Writer`] owns a partition's log and cache. Its steps have no thread and no pause. [`Partition`] is the production
//! loop, which calls them as its [`Mailbox`] says and waits only by a [`Clock`]:
//!
//! ```text
//! warm_up* → claim → process* ──ok──→ …
//!              ↑        └─error─→ is_replaced ──yes──→ resolve; the rest is Elsewhere; release
//!              └────────────────────── no ↲  (then claim again: resolve answers what is in the log, the rest is
//!                                             decided again)
//! ```
//!
//! In whatever order the steps of several instances happen, a command is answered as accepted only if its events are
//! committed, and with any other certain answer only if they never will be.

pub use crate::{
    clock::Clock, in_doubt::InDoubt, mailbox::Mailbox, partition::Partition, pending_reply::PendingReply,
    queued_command::Answer, writer::Writer,
};
