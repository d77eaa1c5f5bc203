//! The protocol of one shard, for tests that run several instances over one simulated broker.
//!
//! A [`Writer`] owns a shard's log and caches. [`Shard`] is the production loop, which calls its steps as its [`Mailbox`]
//! says. [`Commits`] is the loop of the second thread, which commits and answers. Both wait only by a [`Clock`]:
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
    clock::{Clock, SystemClock},
    commits::Commits,
    in_doubt::InDoubt,
    mailbox::Mailbox,
    pending_reply::PendingReply,
    queued_command::Answer,
    shard::Shard,
    writer::Writer,
};
